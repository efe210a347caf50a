/** `npm run conformance -- DIR`: runs our code against a folder of golden figures and prints a line per topic. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openGolden } from './golden.js';
import { topics } from './topics.js';

const [folder] = process.argv.slice(2);
if (!folder || !existsSync(folder)) {
  console.error(
    `conformance needs the folder of golden figures as its argument; ${folder ? `there is none at ${resolve(folder)}` : 'none was given'}`,
  );
  process.exit(2);
}

const total = { passed: 0, failed: 0, skipped: 0 };
for (const [name, topic] of Object.entries(topics)) {
  const path = join(folder, name);
  if (!existsSync(join(path, 'index.json'))) {
    console.log(`${name}: not in this folder`);
    continue;
  }
  const outcomes = await topic(await openGolden(path));
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const one of outcomes) {
    count[one.status]++;
    total[one.status]++;
    if (one.status !== 'passed') console.log(`  ${one.status} ${name}/${one.id}: ${one.reason}`);
  }
  console.log(`${name}: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
