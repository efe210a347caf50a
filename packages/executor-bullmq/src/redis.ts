import { TaskgraphError } from '@fewstep/taskgraph/errors';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import { Redis, type RedisOptions } from 'ioredis';

/** A Redis that was found to do. */
export interface Place {
  /** How BullMQ connects to it. */
  readonly connection: RedisOptions;
  /** For people, without its password. */
  readonly shown: string;
  /** So long may a worker be silent before its task is given to another. */
  readonly lockMs: number;
}

/** BullMQ counts on Lua that older ones don't have. */
const oldest = [6, 2] as const;
const answerMs = 5_000;
/** Longer than any answer of a queue is waited for. */
const silentMs = 20_000;
/** ioredis lets the timer of `socketTimeout` run on when a line is closed, and a process would wait for that to end. */
interface Timed {
  setSocketTimeout(): void;
  readonly socketTimeoutTimer?: NodeJS.Timeout;
}
const lines = Redis.prototype as unknown as Timed;
const { setSocketTimeout } = lines;
lines.setSocketTimeout = function () {
  setSocketTimeout.call(this);
  this.socketTimeoutTimer?.unref();
};

const lockSeconds = { least: 1, usual: 30, most: 3600 } as const;

/**
 * The Redis of an address, once it answered: `redis://` or `rediss://` with user, password, port and number of a database as
 * they may be, and `?lock=SECONDS`, in which a worker must show that it lives. Without one, that of `FEWSTEP_REDIS`.
 *
 * @throws TaskgraphError E_REDIS: the address is none, nobody answers there or lets us in, or it is older than 6.2 or may
 *   throw away what it was given
 */
export async function openRedis(address: string | undefined): Promise<Place> {
  const place = readAddress(address ?? process.env.FEWSTEP_REDIS);
  const client = new Redis({
    ...place.connection,
    lazyConnect: true,
    connectTimeout: answerMs,
    commandTimeout: answerMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let cause: unknown;
  client.on('error', (error) => {
    cause = error;
  });
  try {
    await client.connect();
    checkInfo(await client.info(), place.shown);
  } catch (error) {
    if (error instanceof TaskgraphError) throw error;
    throw refusal(
      `${place.shown} can't be used (${(cause as Error | undefined)?.message || (error as Error).message}): a Redis must answer there, and let in whom the address names.`,
      { exitCode: 1, cause: error },
    );
  } finally {
    client.disconnect();
  }
  return place;
}

/** What an address says. @throws TaskgraphError E_REDIS */
export function readAddress(address: string | undefined): Place {
  if (!address)
    throw refusal(
      'no Redis is named: --redis redis://HOST, or FEWSTEP_REDIS in the environment, where a password is seen by fewer.',
    );
  const shown = withoutSecrets(address);
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isRedis = url !== undefined && /^rediss?:$/.test(url.protocol) && url.hostname !== '';
  if (!isRedis || !/^\/?\d{0,3}$/.test(url.pathname))
    throw refusal(
      `"${shown}" is no address of a Redis, as redis://HOST:6379/0 or rediss://HOST; before the host may stand a user, a colon, a password and @.`,
    );
  const unknown = [...url.searchParams.keys()].find((key) => key !== 'lock');
  if (unknown !== undefined)
    throw refusal(`${shown}: behind ? may stand lock=SECONDS alone, and not "${unknown}".`);
  const lock = Number(url.searchParams.get('lock') ?? lockSeconds.usual);
  if (!(lock >= lockSeconds.least && lock <= lockSeconds.most))
    throw refusal(`${shown}: lock is a number of seconds, ${lockSeconds.least} to ${lockSeconds.most}.`);
  const { hostname, port, username, password, pathname, protocol } = url;
  return {
    connection: {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || 6379),
      db: Number(pathname.slice(1) || 0),
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' && { tls: {} }),
      maxRetriesPerRequest: null, // what is asked while it restarts is asked again
      socketTimeout: silentMs, // a line that was cut says nothing of it
    },
    shown,
    lockMs: lock * 1000,
  };
}

/** What INFO must say. @throws TaskgraphError E_REDIS */
export function checkInfo(info: string, shown: string): void {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const version = field('redis_version') ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (!(major > oldest[0] || (major === oldest[0] && minor >= oldest[1])))
    throw refusal(`${shown} is Redis ${version}, and it takes ${oldest.join('.')} or newer.`, {
      evidence: { version },
    });
  const policy = field('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction')
    throw refusal(
      `${shown} throws away what it was given when its memory is full (maxmemory-policy ${policy}), tasks among it: set maxmemory-policy noeviction there.`,
      { evidence: { policy } },
    );
}

const refusal = (message: string, options: { exitCode?: number; cause?: unknown; evidence?: object } = {}) =>
  new TaskgraphError('E_REDIS', message, { exitCode: 2, ...options } as ConstructorParameters<
    typeof TaskgraphError
  >[2]);
