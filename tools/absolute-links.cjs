/**
 * `npm run links`: the relative links in the READMEs of packages as addresses in the repository, for a README is read where the
 * package is installed, too.
 */
const { readdirSync, readFileSync, statSync, writeFileSync } = require('node:fs');
const { join, normalize } = require('node:path');
const { homepage } = require('../packages/runner/package.json');

const root = join(__dirname, '..');
const repository = homepage.slice(0, homepage.indexOf('/tree/'));

for (const name of readdirSync(join(root, 'packages'))) {
  const folder = `packages/${name}`;
  const readme = join(root, folder, 'README.md');
  const text = readFileSync(readme, 'utf8');
  const parts = text.split(/(```[\s\S]*?```)/); // code stays
  const linked = parts.map((part, i) =>
    i % 2 ? part : part.replace(/\]\(([^)\s]+)\)/g, (whole, to) => absolute(whole, to, folder)),
  );
  if (linked.join('') !== text) writeFileSync(readme, linked.join(''));
}

function absolute(whole, to, folder) {
  if (/^(https?:|#)/.test(to)) return whole;
  const [path, anchor] = to.split('#');
  const inside = normalize(join(folder, path));
  const isFolder = statSync(join(root, inside)).isDirectory();
  const at = anchor ?? (isFolder && inside.startsWith('packages/') ? 'readme' : undefined);
  return `](${repository}/${isFolder ? 'tree' : 'blob'}/main/${inside}${at === undefined ? '' : `#${at}`})`;
}
