import { table } from '../reference/reference.js';
import { steps } from './digits.js';
import { evaluation } from './evaluation.js';
import { files } from './files.js';
import { library } from './library.js';
import { plugin } from './plugin.js';
import type { Group, Row } from './row.js';
import { sampling } from './sampling.js';
import { scripts } from './scripts.js';
import { settings } from './settings.js';
import { surroundings } from './surroundings.js';
import { training } from './training.js';
import { fullSize, setting, specs } from './world.js';

export const groups: readonly Group[] = [
  scripts,
  training,
  sampling,
  ...evaluation,
  plugin,
  settings,
  files,
  surroundings,
  library,
];

/** A script's options have defaults, files and folders haven't. */
function groupText({ title, rows }: Group): string {
  const isOptions = rows.every(({ theirs }) => theirs !== undefined);
  const [header, cells] = isOptions
    ? [
        ['there', 'default', 'here', 'default', ''],
        ({ official, theirs, here, ours, note }: Row) => [`\`${official}\``, theirs!, here, ours!, note],
      ]
    : [['there', 'here', ''], ({ official, here, note }: Row) => [official, here, note]];
  return `## ${title}\n\n${table(header, rows.map(cells))}\n`;
}

/** The page for whoever comes from the official scripts. */
export const page = (): string => `# From diff-sampler

For whoever works with the official code of AMED-Solver (zju-pi/diff-sampler, amed-solver-main; its commit 9067ff0, train.py and the notebook of 79dc13a): what each of its commands, flags, files and folders is here. Made by \`npm run reference\` from rows that a test checks, each by running what is here. What comes out otherwise, and why, is in [official-differences.md](official-differences.md). \`fewstep\` is \`npx fewstep\`.

${groups.map(groupText).join('\n')}
## Done on the digits

The official README and launch.sh, command by command, with the digits in place of CIFAR-10 and 1 or 2 kimg in place of 10. \`npm run from-diff-sampler\` does all of it and compares it with the figures of the last column; they are of the official code on a CPU, [golden](../test/fixtures/golden/README.md) figures or [its own training on this checkpoint](../packages/digits/README.md). The settings of the other data sets are run by a test on tiny networks of the same families.

In a folder of your own, with \`REPOSITORY\` this repository’s and \`FEWSTEP_MODELS=$REPOSITORY/experiments\`, where the digits’ files are:

\`\`\`sh
${setting}\`\`\`

${Object.entries(specs)
  .map(([name, text]) => `\`${name}\`:\n\n\`\`\`yaml\n${text}\`\`\`\n`)
  .join('\n')}
${table(
  ['there', 'typed here', 'what comes out', 'held against'],
  steps.map(({ official, typed, out, against }) => [official, `\`${typed(fullSize)}\``, out, against]),
)}
`;
