#!/usr/bin/env node
import { oldNode } from '../dist/node-version.js';

const old = oldNode(process.versions.node);
if (old === undefined) {
  const { main } = await import('../dist/cli/main.js');
  await main(process.argv.slice(2));
} else {
  process.stderr.write(`${old}\n`);
  process.exitCode = 2;
}
