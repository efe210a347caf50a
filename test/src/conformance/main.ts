/** `npm run conformance -- DIR`: runs our code against a folder of golden figures and prints a line per topic. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openGolden } from './golden.js';
import { type Outcome, runTopic } from './topic.js';
import { topics } from './topics.js';

const [folder] = process.argv.slice(2);
if (!folder || !existsSync(folder)) {
  console.error(
    `conformance needs the folder of golden figures as its argument; ${folder ? `there is none at ${resolve(folder)}` : 'none was given'}`,
  );
  process.exit(2);
}

const total = { passed: 0, failed: 0, skipped: 0 };
const names = await topicNames(folder);
if (names.length === 0) {
  console.error(
    `conformance needs the folder that holds the topics, each a folder with an index.json; ${resolve(folder)} holds none${existsSync(join(folder, 'index.json')) ? ', and is a topic itself: give the folder above it' : ''}`,
  );
  process.exit(2);
}
for (const name of names) {
  const outcomes = await run(name, resolve(folder, name));
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const one of outcomes) {
    count[one.status]++;
    total[one.status]++;
    if (one.status !== 'passed') console.log(`  ${one.status} ${name}/${one.id}: ${one.reason}`);
  }
  console.log(`${name}: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
// what is printed into a pipe is not all written yet
process.stdout.write('', () => process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0));

/** The folders that hold an index, those that a topic runs first and in its order. */
async function topicNames(dir: string): Promise<string[]> {
  const known = Object.keys(topics);
  const found = (await readdir(dir)).filter((name) => existsSync(join(dir, name, 'index.json'))).sort();
  return [...known.filter((name) => found.includes(name)), ...found.filter((name) => !known.includes(name))];
}

async function run(name: string, path: string): Promise<Outcome[]> {
  const topic = topics[name];
  if (!topic) return [{ id: '*', status: 'skipped', reason: 'no topic runs these figures' }];
  try {
    return await runTopic(topic, await openGolden(path));
  } catch (error) {
    return [{ id: '*', status: 'failed', reason: error instanceof Error ? error.message : String(error) }];
  }
}
