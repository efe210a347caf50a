// Each of several devices computes tasks of its own, and their figures are those of the CPU: for whoever has GPUs.
//
//   npm run build && node bench/devices.mjs [DEVICES, as cuda:0,1] [IMAGES]     (5 minutes at most)
//
// Says how many tasks of each kind each device computed, by the records; FID beside the CPU's; how far
// single pixels are off; and the seconds of both runs. Ends with 1 where a device computed nothing, or a figure is off.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseDevices, readSafetensors } from '@fewstep/models';

const [devices = 'cuda:0,1', images = 1024] = process.argv.slice(2);
const asked = await parseDevices(devices);
const command = resolve('packages/runner/bin/fewstep.js');
const folder = mkdtempSync(join(tmpdir(), 'fewstep-devices-'));
const spec = join(folder, 'digits.yaml');
writeFileSync(
  spec,
  `name: devices
dataset: digits
schedule: { type: polynomial, rho: 7 }
student: { solver: dpmpp, max_order: 2, predict_x0: false, num_steps: 4 }
train: false
sample: { seeds: 0-${images - 1}, batch: ${Math.ceil(images / 32)} }
evaluate: [fid]
grid: { student.num_steps: [4, 6] }
`,
);
const timer = setTimeout(() => {
  console.error('it takes more than 5 minutes');
  running?.kill();
  process.exit(1);
}, 300_000);

let running;
async function run(device, name) {
  const from = performance.now();
  const places = ['--store', join(folder, name), '--results', join(folder, `${name}-results`)];
  const child = spawn(process.execPath, [command, 'run', spec, '--device', device, '--json', ...places], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running = child;
  let answer = '';
  child.stdout.on('data', (data) => {
    answer += data;
  });
  const code = await new Promise((end) => child.on('close', end));
  if (code !== 0) throw new Error(`--device ${device} ended with ${code}`);
  const [{ points }] = JSON.parse(answer).experiments;
  const records = readdirSync(join(folder, name, 'records'), { recursive: true })
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(join(folder, name, 'records', file), 'utf8')));
  return { seconds: (performance.now() - from) / 1000, points, records };
}
const nameOf = (device) => Object.values(device).join(':');
const imagesOf = ({ artifacts }) =>
  artifacts.samples.map((file) => readSafetensors(readFileSync(file)).images.data);

try {
  const [cpu, others] = [await run('cpu', 'cpu'), await run(devices, 'others')];
  let good = true;
  for (const device of asked) {
    const own = others.records.filter(({ provenance }) => nameOf(provenance.device) === nameOf(device));
    const counts = {};
    for (const { components } of own) counts[components.kind] = (counts[components.kind] ?? 0) + 1;
    console.log(
      `${nameOf(device)}: ${Object.entries(counts)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(', ')}`,
    );
    good &&= own.length > 0;
  }
  for (const [i, point] of others.points.entries()) {
    const expected = cpu.points[i];
    const [found, of] = [point.metrics.fid, expected.metrics.fid];
    good &&= Math.abs(found - of) <= 1e-3 * Math.abs(of);
    console.log(`${point.label}: fid ${found} (on the CPU ${of})`);
    const before = imagesOf(expected);
    const off = imagesOf(point).map((shard, j) =>
      shard.reduce((most, v, k) => Math.max(most, Math.abs(v - before[j][k])), 0),
    );
    console.log(`${point.label}: pixels are off by ${Math.max(...off)} of 255 at most`);
  }
  console.log(`${others.seconds.toFixed(1)} s, on the CPU ${cpu.seconds.toFixed(1)} s`);
  console.log(good ? 'as it should be' : 'NOT as it should be');
  process.exitCode = good ? 0 : 1;
} finally {
  clearTimeout(timer);
  rmSync(folder, { recursive: true });
}
