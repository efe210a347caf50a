#!/usr/bin/env node
import { existsSync } from 'node:fs';

const refusal = existsSync(new URL('../dist/cli/main.js', import.meta.url))
  ? (await import('../dist/node-version.js')).oldNode(process.versions.node)
  : 'E_BUILD fewstep is not built here: npm ci && npm run build builds it, and npm start runs a first experiment, too.';
if (refusal === undefined) {
  const { main } = await import('../dist/cli/main.js');
  await main(process.argv.slice(2));
} else {
  process.stderr.write(`${refusal}\n`);
  process.exitCode = 2;
}
