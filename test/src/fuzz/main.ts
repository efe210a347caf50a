/**
 * `npm run fuzz -- [COUNT] [FIRST]`: spoils files in COUNT ways (100,000 by default) and reads them with every reader in
 * turn; what is an ONNX file still is opened and evaluated in both engines. Each thousand runs in a process of its own
 * with little memory, so that a crash or a hang is known by number.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { judge } from './judge.js';
import { readers } from './readers.js';

const BATCH = 1000;
/** Of a process that reads a batch, in KiB. */
const MOST_MEMORY = 2 ** 20;
const [count = 1e5, first = 0, child] = process.argv.slice(2).map(Number);
if (child) await runBatch(first, first + count);
else runAll(first, first + count);

/** Number n goes to reader n mod their count. Prints a line for what is wrong, and the counts as the last. */
async function runBatch(from: number, to: number): Promise<void> {
  const all = await readers();
  const folder = mkdtempSync(join(tmpdir(), 'fewstep-fuzz-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  const counts: Record<string, { refused: number; read: number }> = {};
  for (let number = from; number < to; number++) {
    const reader = all[number % all.length]!;
    // the last line of a process that crashes or hangs says where
    process.stderr.write(`${number} ${reader.name}\n`);
    const verdict = await judge(reader, number, folder);
    counts[reader.name] ??= { refused: 0, read: 0 };
    if (typeof verdict === 'string') counts[reader.name]![verdict]++;
    else console.log(`WRONG ${number} ${reader.name}: ${verdict.wrong}`);
  }
  console.log(JSON.stringify({ counts, memory: process.resourceUsage().maxRSS }));
}

function runAll(from: number, to: number): void {
  const total: Record<string, { refused: number; read: number }> = {};
  let wrong = 0;
  let memory = 0;
  for (let start = from; start < to; start += BATCH) {
    const size = Math.min(BATCH, to - start);
    const { stdout, stderr, status, signal } = spawnSync(
      process.execPath,
      ['--max-old-space-size=512', fileURLToPath(import.meta.url), String(size), String(start), '1'],
      { encoding: 'utf8', timeout: 600_000 },
    );
    const lines = stdout.trim().split('\n');
    const end = lines.pop() ?? '';
    wrong += lines.filter((line) => line.startsWith('WRONG')).length;
    for (const line of lines.filter(Boolean)) console.log(line);
    if (status !== 0) {
      wrong++;
      console.log(
        `WRONG ${start} to ${start + size - 1}: ended with ${signal ?? status}, after\n${stderr.slice(-2000)}`,
      );
      continue;
    }
    const batch: { counts: typeof total; memory: number } = JSON.parse(end);
    memory = Math.max(memory, batch.memory);
    if (batch.memory > MOST_MEMORY) {
      wrong++;
      console.log(`WRONG ${start} to ${start + size - 1}: ${Math.round(batch.memory / 1024)} MiB were taken`);
    }
    for (const [name, { refused, read }] of Object.entries(batch.counts)) {
      total[name] ??= { refused: 0, read: 0 };
      total[name].refused += refused;
      total[name].read += read;
    }
  }
  for (const [name, { refused, read }] of Object.entries(total))
    console.log(`${name}: ${refused} refused, ${read} read`);
  console.log(`${to - from} files, ${wrong} answered wrongly; at most ${Math.round(memory / 1024)} MiB`);
  process.exitCode = wrong > 0 ? 1 : 0;
}
