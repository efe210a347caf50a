import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { codeOf, RunnerError } from '../../errors.js';

/** What is answered to a path. */
export interface Served {
  readonly type: string;
  readonly body: string | Uint8Array;
}

/** A server of this machine's own browsers. */
export interface Loopback {
  readonly address: string;
  /** When somebody last asked for something that is there, in ms since the epoch. */
  readonly askedAt: () => number | undefined;
  close(): Promise<void>;
}

const host = '127.0.0.1';

/**
 * Answers GET on the loopback interface, and nobody from elsewhere: a page of another site that has its own name resolved to
 * this machine says that name as Host, and gets nothing; one that asks by the address may not read what it gets. There is
 * nothing to write.
 *
 * - `port`: 0 takes one that is free.
 * - `answer`: what is at a path; undefined where nothing is.
 *
 * @throws RunnerError E_SERVE where the port can't be had
 */
export async function serveLoopback(
  port: number,
  answer: (path: string) => Promise<Served | undefined>,
): Promise<Loopback> {
  let askedAt: number | undefined;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { port: own } = server.address() as AddressInfo;
    const names = [host, 'localhost'].map((name) => `${name}:${own}`);
    if (own === 80) names.push(host, 'localhost');
    if (!names.includes(request.headers.host ?? '')) return end(response, 403, 'another host is meant');
    if (request.headers['sec-fetch-site'] === 'cross-site') return end(response, 403, 'another site asks');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return end(response, 405, 'there is nothing to write');
    }
    const served = await answer(request.url ?? '/');
    if (!served) return end(response, 404, 'nothing is there');
    askedAt = Date.now();
    end(response, 200, request.method === 'HEAD' ? '' : served.body, served.type);
  };
  const server = createServer({ maxHeaderSize: 16_384, requestTimeout: 10_000 }, (request, response) => {
    handle(request, response).catch(() => end(response, 500, 'this can’t be shown'));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  }).catch((error: unknown) => {
    const code = codeOf(error);
    const why = code === 'EADDRINUSE' ? 'something else is served there' : (error as Error).message;
    throw new RunnerError(
      'E_SERVE',
      `${host}:${port} can't be served on${code ? ` (${code})` : ''}: ${why}. Name another port, or none for one that is free.`,
      { cause: error, evidence: { port } },
    );
  });
  server.unref(); // a run that has ended ends
  return {
    address: `http://${host}:${(server.address() as AddressInfo).port}/`,
    askedAt: () => askedAt,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function end(
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  type = 'text/plain; charset=utf-8',
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    // beside what a page says itself, which is stricter
    'content-security-policy': "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
