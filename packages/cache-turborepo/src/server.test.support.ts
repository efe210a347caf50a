import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An artifact as a server keeps it. */
interface Kept {
  body: Buffer;
  tag: string | undefined;
}

/** A request that was answered. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** What takes the place of a server's answer; `next` is the right one. */
export type Fault = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

export const token = 'a token of the laboratory';

/**
 * A server of the Turborepo Remote Cache API on loopback, as `turborepo-remote-cache` answers: 401 without the token, 400
 * without a team, 404, 413 above the limit of a body, chunked bodies, and it writes over what it has.
 */
export async function startServer({
  status = 'enabled',
  bodyLimit = 100 << 20,
}: {
  status?: string;
  bodyLimit?: number;
} = {}) {
  const kept = new Map<string, Kept>();
  const asked: Asked[] = [];
  let fault: Fault = (_request, _response, next) => next();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = request;
    const { pathname, searchParams } = new URL(url, 'http://server');
    const end = (code: number, json: object = {}) => {
      response.writeHead(code, { 'content-type': 'application/json' });
      response.end(method === 'HEAD' ? undefined : JSON.stringify(json));
    };
    if (pathname === '/v8/artifacts/status') return end(200, { status });
    if (headers.authorization !== `Bearer ${token}`) return end(401);
    if (!searchParams.get('slug') && !searchParams.get('teamId')) return end(400);
    const id = pathname.slice('/v8/artifacts/'.length);
    if (method === 'PUT') {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part);
      const body = Buffer.concat(parts);
      if (body.length > bodyLimit || body.length !== Number(headers['content-length'])) return end(413);
      kept.set(id, { body, tag: headers['x-artifact-tag'] as string | undefined });
      return end(202, { urls: [id] });
    }
    const found = kept.get(id);
    if (!found) return end(404);
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      ...(found.tag !== undefined && { 'x-artifact-tag': found.tag }),
    });
    if (method === 'HEAD') return void response.end();
    for (let at = 0; at < found.body.length; at += 100_000)
      response.write(found.body.subarray(at, at + 100_000));
    response.end();
  };

  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    asked.push({
      method,
      path: new URL(url, 'http://server').pathname.slice('/v8/artifacts/'.length),
      headers,
    });
    fault(request, response, () => void answer(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    kept,
    asked,
    environment: { TURBO_API: `http://127.0.0.1:${port}`, TURBO_TOKEN: token, TURBO_TEAM: 'lab' },
    /** From now on. */
    breaks(how: Fault): void {
      fault = how;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
