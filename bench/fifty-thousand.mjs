// A score at the size of papers, end to end: 50,000 digits at 3 evaluations each sampled and scored, killed twice on the
// way, then 60,000. Tells what each run computed and found, its seconds, memory by tenths of its time, and the bytes that the
// store keeps for scores beside the features.
//
//   npm run build && node bench/fifty-thousand.mjs [IMAGES] [SECONDS BEFORE A KILL] [STORE]
//
// STORE: a folder that stays, for bench/protocol.mjs; without it nothing does.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [images = 50_000, seconds = 120] = process.argv.slice(2, 4).map(Number);
const [, , , , kept] = process.argv;
const command = resolve('packages/runner/bin/fewstep.js');
const folder = mkdtempSync(join(tmpdir(), 'fewstep-fifty-'));
const store = resolve(kept ?? join(folder, 'store'));
const spec = join(folder, 'digits.yaml');

const specOf = (count) => `name: digits-${count}
dataset: digits
schedule: { type: polynomial, rho: 7 }
student: { solver: dpmpp, max_order: 2, predict_x0: false, num_steps: 4 }
train: false
sample: { seeds: 0-${count - 1}, batch: 64 }
evaluate: [fid, kid, prdc]
`;

/** Kilobytes that a process and its children hold of their own, and how many of those that are running. */
function held(pid) {
  try {
    const [, own = 0] = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return children.filter(Boolean).reduce((sum, child) => sum + held(child), Number(own));
  } catch {
    return 0;
  }
}

/** A run of so many images, killed after so many seconds, or to its end. */
async function run(what, count, killedAfter = Number.POSITIVE_INFINITY) {
  writeFileSync(spec, specOf(count));
  const from = performance.now();
  const child = spawn(
    process.execPath,
    [command, 'run', spec, '--store', store, '--results', join(folder, 'results'), '--json'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let answer = '';
  child.stdout.on('data', (data) => {
    answer += data;
  });
  const ended = new Promise((end) => child.on('close', end));
  const memory = [];
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!over) {
    await Promise.race([sleep(500), ended]);
    const kilobytes = held(child.pid);
    if (kilobytes > 0) memory.push(kilobytes);
    if (performance.now() - from > 1000 * killedAfter) child.kill('SIGKILL');
  }
  await ended;
  const took = (performance.now() - from) / 1000;
  const tenths = Array.from({ length: 10 }, (_, i) =>
    memory.slice(Math.floor((memory.length * i) / 10), Math.floor((memory.length * (i + 1)) / 10)),
  ).map((part) => Math.round(Math.max(0, ...part) / 1024));
  console.log(`${what}: ${took.toFixed(0)} s; most MB by tenths of it: ${tenths.join(' ')}`);
  if (answer === '') return;
  const {
    experiments: [{ points, tasks, failures }],
  } = JSON.parse(answer);
  console.log(
    `  ${tasks.computed} tasks computed, ${tasks.local} found; ${JSON.stringify(points[0].metrics)}`,
  );
  if (failures.length > 0) console.log(failures);
}

/** Bytes that the store keeps by kind of task: of records, and of what these are of. */
function bytesByKind() {
  const bytes = {};
  for (const name of readdirSync(join(store, 'records'), { recursive: true })) {
    const file = join(store, 'records', name);
    if (statSync(file).isDirectory()) continue;
    const text = readFileSync(file, 'utf8');
    const { components, outputs } = JSON.parse(text);
    bytes[components.kind] ??= 0;
    bytes[components.kind] += Object.values(outputs).reduce((sum, { size }) => sum + size, text.length);
  }
  return bytes;
}

await run('killed', images, seconds);
await run('killed again', images, seconds);
await run(`${images} images`, images);
await run(`${images} images again`, images);
await run(`${images * 1.2} images`, images * 1.2);
console.log(bytesByKind());
rmSync(folder, { recursive: true });
