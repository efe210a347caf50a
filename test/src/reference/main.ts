/** `npm run reference`: writes what is made of the declarations, and of public files. `--check` writes nothing, and ends with 1 where it would. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../command-line.js';
import { page } from '../from-diff-sampler/page.js';
import { publicFiles } from '../public-files/table.js';
import { reference } from './reference.js';

const cli = join(root, 'packages/runner/bin/fewstep.js');
const { stdout: schema } = spawnSync(process.execPath, [cli, 'schema'], { encoding: 'utf8' });
/** Keys that are alike share a definition. */
const { $defs, properties } = JSON.parse(schema);
const keys: Record<string, object> = {};
for (const path of Object.keys(properties.grid.properties)) {
  if (path === 'points') continue;
  const { $ref } = properties.grid.properties[path].items;
  keys[path] = $defs[$ref.slice('#/$defs/'.length)];
}
const files = {
  'docs/reference.md': reference(keys),
  'docs/from-diff-sampler.md': page(),
  'docs/public-files.md': await publicFiles(),
  'packages/runner/experiment.schema.json': schema,
};
for (const [name, text] of Object.entries(files)) {
  const path = join(root, name);
  let there = '';
  try {
    there = readFileSync(path, 'utf8');
  } catch {}
  if (there === text) continue;
  if (process.argv.includes('--check')) {
    console.log(`${name} is not what the declarations say: npm run reference writes it anew.`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    console.log(`wrote ${name}`);
  }
}
