/**
 * `npm run numerics`: records the code that computes each kind of task, after a look at what moved. `--check` records
 * nothing, and ends with 1 where something moved.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from '../command-line.js';
import { file, moved, movedModules, type Numerics, numericsNow } from './numerics.js';

const now = numericsNow();
let then: Numerics = { kinds: {}, modules: {} };
try {
  then = JSON.parse(readFileSync(file, 'utf8'));
} catch {
  console.log(`${file} is missing, or is no JSON: everything is new`);
}
const lines = moved(then, now);
for (const line of lines) console.log(line);
const modules = movedModules(then, now);
if (modules.length > 0) console.log(`modules: ${modules.join(', ')}`);
if (!process.argv.includes('--check')) {
  writeFileSync(file, `${JSON.stringify(now, null, 2)}\n`);
  console.log(`recorded in ${relative(root, file)}`);
} else if (lines.length > 0) {
  console.log(
    'Where results are other bits, raise the revision in packages/runner/src/tasks/kinds.ts. Then, or where they are the same, npm run numerics records the code.',
  );
  process.exitCode = 1;
}
