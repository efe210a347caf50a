#!/usr/bin/env node
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `E_NODE fewstep needs Node 20.19 or later, and this is ${process.versions.node}: install one from https://nodejs.org.\n`,
  );
  process.exitCode = 2;
} else {
  const { existsSync } = await import('node:fs');
  if (existsSync(new URL('../dist/cli/main.js', import.meta.url))) {
    // Most commands are over before optimized code pays: a function must have done sixteen times as much as by default to be
    // optimized. Later versions have a compiler between, and know no such flag.
    if (major === 20) (await import('node:v8')).setFlagsFromString('--interrupt-budget=1080000');
    const { main } = await import('../dist/cli/main.js');
    await main(process.argv.slice(2));
  } else {
    process.stderr.write(
      'E_BUILD fewstep is not built here: npm ci && npm run build builds it, and npm start runs a first experiment, too.\n',
    );
    process.exitCode = 2;
  }
}
