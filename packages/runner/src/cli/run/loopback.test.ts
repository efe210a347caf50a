import { request } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Loopback, serveLoopback } from './loopback.js';

let served: Loopback;
let port: number;
beforeAll(async () => {
  served = await serveLoopback(0, async (path) => {
    if (path === '/fails') throw new Error('secret');
    return path === '/' ? { type: 'text/html', body: '<p>' } : undefined;
  });
  port = Number(new URL(served.address).port);
});
afterAll(() => served.close());

const ask = (path = '/', headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
  new Promise<{ status: number | undefined; headers: NodeJS.Dict<string | string[]>; body: string }>(
    (resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
      });
      asked.on('error', reject);
      asked.end();
    },
  );

it('is on the loopback interface, and shows its page there', async () => {
  expect(served.address).toBe(`http://127.0.0.1:${port}/`);
  const { status, headers, body } = await ask();
  expect([status, body]).toEqual([200, '<p>']);
  expect(headers).toMatchObject({
    'content-type': 'text/html',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
  });
  expect(headers['access-control-allow-origin']).toBeUndefined();
  expect((await ask('/', { host: `localhost:${port}` })).status).toBe(200);
  expect((await ask('/', {}, 'HEAD')).body).toBe('');
  expect(served.askedAt()).toBeGreaterThan(0);
});

it.each([
  // by a name of somebody's that resolves to this machine
  ['another Host', '/', { host: 'evil.example' }, 'GET', 403],
  ['another port', '/', { host: 'localhost:1' }, 'GET', 403],
  ['another site', '/', { 'sec-fetch-site': 'cross-site' }, 'GET', 403],
  ['a write', '/', {}, 'POST', 405],
  ['a deletion', '/', {}, 'DELETE', 405],
  ['what is not there', '/../../etc/passwd', {}, 'GET', 404],
  ['what fails', '/fails', {}, 'GET', 500],
] as const)('refuses %s', async (_, path, headers, method, status) => {
  const answer = await ask(path, headers, method);
  expect(answer.status).toBe(status);
  expect(answer.body).not.toContain('secret');
});

it('says where a port is taken', async () => {
  await expect(serveLoopback(port, async () => undefined)).rejects.toMatchObject({
    code: 'E_SERVE',
    message: expect.stringMatching(/EADDRINUSE.*another port/),
  });
});
