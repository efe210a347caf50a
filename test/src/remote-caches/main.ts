import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cache } from '@fewstep/cache-turborepo';
import { fewstep } from '../command-line.js';
import { plain } from '../faults/small-store.js';

/**
 * @fewstep/cache-turborepo against the open server `turborepo-remote-cache`, which is installed aside for it, on loopback with
 * its file system and with S3, for which `s3rver` stands in: artifacts in chunks, tokens, teams, signatures, its limit of a body,
 * and runs of two clones.
 */
const packages = ['turborepo-remote-cache@2.12.0', 's3rver@3.7.1'];

const run = promisify(execFile);
const dir = await mkdtemp(join(tmpdir(), 'fewstep-remote-caches-'));
const token = randomBytes(16).toString('hex');
const secret = randomBytes(32).toString('hex');
const { signal } = new AbortController();
let failed = 0;

function check(what: string, isSo: boolean): void {
  console.log(`${isSo ? 'ok  ' : 'FAIL'} ${what}`);
  if (!isSo) failed++;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** The server with a folder of its own; `end` ends it. */
async function start(name: string, more: Readonly<Record<string, string>> = {}) {
  const port = await freePort();
  const storage = join(dir, name);
  await mkdir(storage);
  const child = spawn(process.execPath, [join(dir, 'node_modules/turborepo-remote-cache/dist/cli.js')], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      LOG_LEVEL: 'error',
      TURBO_TOKEN: token,
      PORT: String(port),
      STORAGE_PROVIDER: 'local',
      STORAGE_PATH: storage,
      STORAGE_PATH_USE_TMP_FOLDER: 'false',
      ...more,
    },
  });
  const api = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    if ((await fetch(`${api}/v8/artifacts/status`).catch(() => undefined))?.ok) break;
    if (tries > 300) throw new Error('turborepo-remote-cache does not start');
    await sleep(100);
  }
  const environment = { TURBO_API: api, TURBO_TOKEN: token, TURBO_TEAM: 'lab' };
  return { environment, storage, end: () => child.kill() };
}

const name = `blobs/${'ab'.repeat(32)}`;
const large = randomBytes(20 << 20);
const content = {
  size: large.length,
  async *open() {
    for (let at = 0; at < large.length; at += 1 << 20) yield large.subarray(at, at + (1 << 20));
  },
};
const other = `blobs/${'cd'.repeat(32)}`;
const little = {
  size: 5,
  async *open() {
    yield Buffer.from('hello');
  },
};
async function readFrom(environment: object): Promise<Buffer | undefined> {
  const parts: Uint8Array[] = [];
  const found = await cache({ environment }).get(name, signal);
  if (!found) return undefined;
  for await (const part of found) parts.push(part);
  return Buffer.concat(parts);
}
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => '',
    (error: Error) => error.message,
  );

try {
  await writeFile(join(dir, 'package.json'), '{"private":true}');
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages], { cwd: dir });
  console.log(`${packages.join(', ')}, Node ${process.version}`);

  const plainServer = await start('plain');
  const { environment } = plainServer;
  await cache({ environment }).put(name, content, signal);
  check('20 MB go in chunks and come back', (await readFrom(environment))?.equals(large) === true);
  const files = await readdir(join(plainServer.storage, 'lab'));
  check(
    'as four artifacts of 16 digits in the folder of the team',
    files.length === 4 && files.every((file) => /^[0-9a-f]{16}$/.test(file)),
  );
  check(
    'what is not there is not there',
    !(await cache({ environment }).has(name.replace('ab', 'ac'), signal)),
  );
  check(
    'another token is refused',
    /401/.test(
      await failureOf(cache({ environment: { ...environment, TURBO_TOKEN: 'x' } }).has(name, signal)),
    ),
  );
  check(
    'no team is refused',
    /400/.test(await failureOf(cache({ environment: { ...environment, TURBO_TEAM: '' } }).has(name, signal))),
  );
  const artifacts = files.map((file) => join(plainServer.storage, 'lab', file));
  const sizes = await Promise.all(artifacts.map(async (path) => (await stat(path)).size));
  await writeFile(artifacts[sizes.indexOf(Math.max(...sizes))]!, 'half-written');
  check('a chunk that is half-written cuts it short', (await readFrom(environment))?.equals(large) === false);

  const keyed = { ...environment, TURBO_REMOTE_CACHE_SIGNATURE_KEY: secret };
  check('what is not signed is not taken', /is not signed/.test(await failureOf(readFrom(keyed))));
  plainServer.end();

  const signing = await start('signing', { TURBO_REMOTE_CACHE_SIGNATURE_KEY: secret });
  const signed = { ...signing.environment, TURBO_REMOTE_CACHE_SIGNATURE_KEY: secret };
  await cache({ environment: signed }).put(name, content, signal);
  check('what is signed comes back with its signatures', (await readFrom(signed))?.equals(large) === true);
  check(
    'another key takes none of it',
    /is not signed/.test(
      await failureOf(readFrom({ ...signed, TURBO_REMOTE_CACHE_SIGNATURE_KEY: 'y'.repeat(32) })),
    ),
  );

  await writeFile(join(dir, 'spec.yaml'), plain());
  const clone = async (clone: string, more: object = {}) => {
    const args = ['run', join(dir, 'spec.yaml'), '--json', '--cache', 'turborepo'];
    const places = ['--store', join(dir, clone), '--results', join(dir, `${clone}-results`)];
    const { code, stdout, stderr } = await fewstep([...args, ...places], { env: { ...signed, ...more } });
    if (code !== 0) throw new Error(stderr);
    return { ...JSON.parse(stdout).tasks, stderr };
  };
  const first = await clone('first');
  const second = await clone('second');
  check(
    `a run: ${first.computed} computed; a second clone: ${second.computed}, and ${second.remote} from the server`,
    first.computed === 4 && second.computed === 0 && second.remote === 4,
  );
  signing.end();
  const alone = await clone('third');
  check(
    'without the server: all computed, told once',
    alone.computed === 4 && alone.stderr.match(/the cache @fewstep\/cache-turborepo fails/g)?.length === 1,
  );

  const small = await start('small', { BODY_LIMIT: String(1 << 20) });
  check(
    'a limit below a chunk is told',
    /413/.test(await failureOf(cache({ environment: small.environment }).put(name, content, signal))),
  );
  small.end();

  const port = await freePort();
  const s3 = spawn(
    process.execPath,
    [
      join(dir, 'node_modules/s3rver/bin/s3rver.js'),
      '-d',
      dir,
      '-a',
      '127.0.0.1',
      '-p',
      String(port),
      '--configure-bucket',
      'lab',
    ],
    { stdio: 'ignore' },
  );
  const bucket = await start('s3', {
    STORAGE_PROVIDER: 's3',
    STORAGE_PATH: 'lab',
    S3_ACCESS_KEY: 'S3RVER',
    S3_SECRET_KEY: 'S3RVER',
    S3_REGION: 'us-east-1',
    S3_ENDPOINT: `http://127.0.0.1:${port}`,
    TURBO_REMOTE_CACHE_SIGNATURE_KEY: secret,
  });
  const inBucket = { ...bucket.environment, TURBO_REMOTE_CACHE_SIGNATURE_KEY: secret };
  await cache({ environment: inBucket }).put(name, content, signal);
  check(
    '20 MB go through it into a bucket and come back',
    (await readFrom(inBucket))?.equals(large) === true,
  );
  await cache({ environment: bucket.environment }).put(other, little, signal);
  check(
    'a server with a key has nothing of who sends without',
    !(await cache({ environment: inBucket }).has(other, signal)),
  );
  bucket.end();
  s3.kill();
  console.log('Its Google and Azure storages were not tried.');
} finally {
  await rm(dir, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;
