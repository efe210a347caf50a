/**
 * `npm run mutations [-- packages/NAME …]`: spoils one coefficient or condition at a time, in a copy, and names the test
 * that notices.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../command-line.js';
import { mutations as all, type Mutation } from './mutations.js';

const folder = mkdtempSync(join(tmpdir(), 'fewstep-mutations-'));
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
process.on('exit', () => rmSync(folder, { recursive: true }));

const only = process.argv.slice(2);
const mutations =
  only.length === 0 ? all : all.filter(({ file }) => only.some((name) => file.startsWith(`${name}/`)));

const packageOf = ({ file }: Mutation) => file.split('/', 2).join('/');
const occurrences = ({ file, text }: Mutation) =>
  readFileSync(join(root, file), 'utf8').split(text).length - 1;

/** Runs the tests of a package's copy, its sources spoilt or not, and gives the first that fails. */
function firstFailure(name: string, spoilt?: Mutation): string | undefined {
  const copy = join(folder, name);
  rmSync(copy, { recursive: true, force: true });
  for (const part of ['package.json', 'src'])
    cpSync(join(root, name, part), join(copy, part), { recursive: true });
  if (spoilt) {
    const path = join(folder, spoilt.file);
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(spoilt.text, () => spoilt.replacement),
    );
  }
  const report = join(folder, 'report.json');
  rmSync(report, { force: true });
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const options = ['--bail=1', '--reporter=json', `--outputFile=${report}`];
  const { status, stderr } = spawnSync(process.execPath, [vitest, 'run', '--root', copy, ...options], {
    encoding: 'utf8',
    env: { ...process.env, FEWSTEP_GRAPHS: '3000' },
  });
  if (status === 0) return undefined;
  const { testResults }: { testResults: { assertionResults: { status: string; fullName: string }[] }[] } =
    JSON.parse(readFileSync(report, 'utf8'));
  const failed = testResults
    .flatMap((file) => file.assertionResults)
    .find((test) => test.status === 'failed');
  // A copy that doesn't even load catches nothing.
  if (!failed) throw new Error(`no test failed in ${name}, yet vitest ended with ${status}:\n${stderr}`);
  return failed.fullName;
}

const stale = mutations.filter((mutation) => occurrences(mutation) !== 1);
for (const mutation of stale)
  console.log(
    `stale     ${mutation.file}: "${mutation.text}" occurs ${occurrences(mutation)} times, not once`,
  );
if (stale.length > 0) process.exit(1);

for (const name of new Set(mutations.map(packageOf))) {
  const failure = firstFailure(name);
  if (failure !== undefined) {
    console.log(`${name} fails before anything is changed: ${failure}`);
    process.exit(1);
  }
}

let survived = 0;
for (const mutation of mutations) {
  const failure = firstFailure(packageOf(mutation), mutation);
  if (failure === undefined) survived++;
  console.log(`${failure === undefined ? 'SURVIVED' : 'caught  '} ${mutation.file}: ${mutation.replacement}`);
  if (failure !== undefined) console.log(`         by ${failure}`);
}
console.log(`${mutations.length - survived} of ${mutations.length} caught`);
process.exitCode = survived > 0 ? 1 : 0;
