import { Readable } from 'node:stream';
import { EnvHttpProxyAgent, fetch, type Response, request } from 'undici';

/** So much is sent at a time. */
const pieceBytes = 64 << 10;
/** Its status is waited for so long; then it is taken to be there. */
const statusMs = 250;

/** What is asked of a server of the Turborepo Remote Cache API. */
export interface Server {
  /** Whether it has an artifact. */
  head(id: string, signal: AbortSignal): Promise<boolean>;
  get(id: string, signal: AbortSignal): Promise<Artifact | undefined>;
  /** `moved` is told of whenever a piece went. */
  put(
    id: string,
    body: Uint8Array,
    options: { readonly tag: string | undefined; moved(): void; readonly signal: AbortSignal },
  ): Promise<void>;
}

interface Artifact {
  readonly tag: string | null;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface Settings {
  /** Its address, without /v8. */
  readonly api: string;
  readonly token: string;
  /** Slug and id of the team; what is there is sent. */
  readonly team?: string | undefined;
  readonly teamId?: string | undefined;
}

/** Answers that say that there is no such artifact. */
const none = [404, 410];

/**
 * The server of an address. Its status is asked once; an address elsewhere, as of a store behind it, is gone to without the token.
 *
 * @throws Error of every method: what it answered that is neither there nor not there
 */
export function server({ api, token, team, teamId }: Settings): Server {
  const dispatcher = new EnvHttpProxyAgent();
  const query = new URLSearchParams({
    ...(team !== undefined && { slug: team }),
    ...(teamId !== undefined && { teamId }),
  }).toString();
  const address = (path: string) =>
    `${api.replace(/\/+$/, '')}/v8/artifacts/${path}${query === '' ? '' : `?${query}`}`;
  const own = { authorization: `Bearer ${token}`, 'user-agent': 'fewstep' };
  const ask = (path: string, init: { readonly signal: AbortSignal; readonly method?: 'HEAD' }) =>
    fetch(address(path), { dispatcher, ...init, headers: own });

  let status: Promise<string> | undefined;
  const enabled = async (): Promise<void> => {
    status ??= statusOf(ask);
    const said = await status;
    if (said !== 'enabled') throw new Error(`the server says that it is ${said}`);
  };

  /** An answer that is there; undefined where the artifact is not. */
  const answer = async (
    id: string,
    init: { readonly signal: AbortSignal; readonly method?: 'HEAD' },
  ): Promise<Response | undefined> => {
    await enabled();
    const response = await ask(id, init);
    if (response.ok) return response;
    await response.body?.cancel().catch(() => {});
    if (none.includes(response.status)) return undefined;
    throw refusal(response.status);
  };

  return {
    head: async (id, signal) => (await answer(id, { signal, method: 'HEAD' })) !== undefined,
    async get(id, signal) {
      const response = await answer(id, { signal });
      if (!response) return undefined;
      const tag = response.headers.get('x-artifact-tag');
      return { tag, body: (response.body ?? []) as AsyncIterable<Uint8Array> };
    },
    async put(id, body, { tag, moved, signal }) {
      await enabled();
      const { statusCode, body: said } = await request(address(id), {
        dispatcher,
        signal,
        method: 'PUT',
        headers: {
          ...own,
          'content-type': 'application/octet-stream',
          'content-length': String(body.length),
          ...(tag !== undefined && { 'x-artifact-tag': tag }),
        },
        body: Readable.from(piecesOf(body, moved), { objectMode: false }),
      });
      await said.dump();
      if (statusCode < 200 || statusCode > 299) throw refusal(statusCode);
    },
  };
}

async function* piecesOf(body: Uint8Array, moved: () => void): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += pieceBytes) {
    yield body.subarray(at, at + pieceBytes);
    moved();
  }
}

const refusal = (status: number) => new Error(`it answers ${status}${meanings[status] ?? ''}`);

/** What its numbers come from, where that isn't plain. */
const meanings: Readonly<Record<number, string>> = {
  400: ': it may need a team, TURBO_TEAM or TURBO_TEAMID',
  401: ': TURBO_TOKEN is none of its tokens',
  403: ': TURBO_TOKEN does not allow that',
  413: ': its limit of a body is below 9 MB',
};

/** `enabled` where it doesn't say otherwise: not every server does, nor soon. */
async function statusOf(
  ask: (path: string, init: { signal: AbortSignal }) => Promise<Response>,
): Promise<string> {
  try {
    const response = await ask('status', { signal: AbortSignal.timeout(statusMs) });
    if (!response.ok) return 'enabled';
    const { status } = (await response.json()) as { readonly status?: unknown };
    return ['disabled', 'over_limit', 'paused'].find((one) => one === status) ?? 'enabled';
  } catch {
    return 'enabled';
  }
}
