#!/usr/bin/env node
import { existsSync } from 'node:fs';

if (existsSync(new URL('../dist/cli/main.js', import.meta.url))) {
  const { main } = await import('../dist/cli/main.js');
  await main(process.argv.slice(2));
} else {
  process.stderr.write(
    'E_BUILD fewstep is not built here: npm ci && npm run build builds it, and npm start runs a first experiment, too.\n',
  );
  process.exitCode = 2;
}
