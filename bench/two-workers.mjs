// A grid by two workers of one thread each, against one worker of one thread: its seconds, and whether all that is in the
// stores is the same. On a machine of at least two cores with nothing beside, and with a redis-server.
//
//   npm run build && node bench/two-workers.mjs [SPEC] [--set PATH=VALUE …]
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const [spec = 'experiments/digits-nfe.yaml', ...more] = process.argv.slice(2);
const command = resolve('packages/runner/bin/fewstep.js');
const folder = mkdtempSync(join(tmpdir(), 'fewstep-workers-'));
const port = await new Promise((found) => {
  const server = createServer().listen(0, () => {
    const { port } = server.address();
    server.close(() => found(port));
  });
});
const redis = spawn(
  'redis-server',
  ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder],
  {
    stdio: 'ignore',
  },
);

/** Outputs by key. */
function results(store) {
  const names = readdirSync(join(store, 'records'), { recursive: true }).filter((name) =>
    name.endsWith('.json'),
  );
  const records = names.map((name) => JSON.parse(readFileSync(join(store, 'records', name), 'utf8')));
  return JSON.stringify(records.map(({ key, outputs }) => [key, outputs]).sort());
}

/** Seconds from when the workers wait for tasks to the table. */
async function run(workers) {
  const store = join(folder, `store-${workers}`);
  const at = ['--redis', `redis://127.0.0.1:${port}/${workers}`, '--store', store];
  const env = { ...process.env, OMP_NUM_THREADS: '1' };
  const serving = Array.from({ length: workers }, () =>
    spawn(process.execPath, [command, 'worker', ...at], { env, stdio: ['ignore', 'ignore', 'pipe'] }),
  );
  await Promise.all(
    serving.map(
      (child) =>
        new Promise((ready) => child.stderr.on('data', (text) => /waiting for tasks/.test(text) && ready())),
    ),
  );
  const from = performance.now();
  const child = spawn(
    process.execPath,
    [command, 'run', resolve(spec), ...more, ...at, '--results', join(folder, `results-${workers}`)],
    { env, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const code = await new Promise((end) => child.on('close', end));
  const seconds = (performance.now() - from) / 1000;
  for (const one of serving) one.kill('SIGTERM');
  await Promise.all(serving.map((one) => new Promise((end) => one.on('close', end))));
  if (code !== 0) throw new Error(`the run ended with ${code}`);
  return { seconds, results: results(store) };
}

try {
  const [one, two] = [await run(1), await run(2)];
  const ratio = two.seconds / one.seconds;
  console.log(
    `one worker ${one.seconds.toFixed(1)} s, two ${two.seconds.toFixed(1)} s: ${ratio.toFixed(2)} of its time`,
  );
  console.log(one.results === two.results ? 'the same results' : 'OTHER RESULTS');
  process.exitCode = one.results === two.results ? 0 : 1;
} finally {
  redis.kill();
  rmSync(folder, { recursive: true });
}
