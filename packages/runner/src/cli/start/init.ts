import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunnerError } from '../../errors.js';
import { textOfSchema } from '../../experiment/editor-schema.js';
import { ourLanguage } from '../../experiment/language.js';
import { workingFolder } from '../../workspace.js';
import { openResults } from '../reports/output.js';
import { type Answer, answered } from '../terminal/answer.js';

/** What a spec can begin as: the files of a template by their names, NAME for that of the experiment; the first is the spec. */
export const templates = {
  'first-look': { files: ['NAME.yaml'], sentence: 'four plain samplers of digits at five evaluations' },
  'compare-solvers': { files: ['NAME.yaml'], sentence: 'a grid of solvers, schedules and numbers of steps' },
  'train-predictor': { files: ['NAME.yaml'], sentence: 'a predictor of AMED-Solver, trained' },
  'own-model': { files: ['NAME.yaml'], sentence: 'your own network as ONNX, with a stand-in' },
  'own-solver': { files: ['NAME.yaml', 'NAME-solver.mjs'], sentence: 'a solver in a file of yours' },
} as const;

type TemplateName = keyof typeof templates;

const folderOfTemplates = fileURLToPath(new URL('../../../templates/', import.meta.url));

/**
 * `fewstep init [NAME]`: a commented spec that runs, in the working folder, and what it needs beside it. Editors complete it, for
 * its first line says where its schema is.
 *
 * @throws RunnerError E_USAGE for a name that is none; E_RESULTS where a file is there already, or can't be written
 */
export async function init(
  given: string | undefined,
  { template }: { readonly template: TemplateName },
  answer: Answer,
): Promise<void> {
  const name = (given ?? template).replace(/\.ya?ml$/, '');
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name))
    throw new RunnerError(
      'E_USAGE',
      `${JSON.stringify(given)} is no name of an experiment: letters, digits, dots and dashes, as my-first; its file lies in the working folder.`,
    );
  const folder = workingFolder();
  const files = templates[template].files.map((file) => file.replace('NAME', name));
  const network = `${name}-network`;
  const there = [...files, ...(template === 'own-model' ? [network] : [])].find((file) =>
    existsSync(join(folder, file)),
  );
  if (there !== undefined)
    throw new RunnerError(
      'E_RESULTS',
      `${there} is there already, and stays as it is: give another name, as fewstep init ${name}-2.`,
      { evidence: { path: join(folder, there) } },
    );
  if (template === 'own-model') {
    const { modelsExport } = await import('../models/export.js');
    await modelsExport('digits', { outdir: join(folder, network) }, answered().answer);
  }
  const results = await openResults(folder);
  const schema =
    schemaFrom(folder) ?? (await results.write(textOfSchema(ourLanguage), 'fewstep.schema.json'));
  const [spec] = files as [string];
  for (const [i, file] of files.entries()) {
    const source = join(folderOfTemplates, `${template}${file.slice(file.lastIndexOf('.'))}`);
    const text = (await readFile(source, 'utf8')).replaceAll('NAME', name).replaceAll('SPEC', spec);
    await results.write(i === 0 ? `# yaml-language-server: $schema=${schema}\n${text}` : text, file);
  }
  const written = template === 'own-model' ? [...files, network] : files;
  const next = [`fewstep run ${spec}`];
  answer.object({ name, template, spec, files: written, next });
  for (const file of written) answer.line(`wrote ${file}`);
  answer.line('');
  answer.line('Next:');
  answer.line(`  npx fewstep plan ${spec}   # what it computes, and how long that takes`);
  answer.line(`  npx fewstep run ${spec}    # the table; pictures and record in results/${name}/`);
  const others = Object.entries(templates).filter(([one]) => one !== template);
  answer.line('');
  answer.line('Other beginnings:');
  for (const [one, { sentence }] of others)
    answer.line(`  npx fewstep init --template ${one.padEnd(16)} # ${sentence}`);
}

/** Where the schema is from a folder, as its specs name it; undefined where it lies outside of what the folder has above it. */
function schemaFrom(folder: string): string | undefined {
  try {
    const manifest = createRequire(join(folder, 'from-here.js')).resolve('@fewstep/runner/package.json');
    return relative(folder, join(dirname(manifest), 'experiment.schema.json'))
      .split(sep)
      .join('/');
  } catch {
    return undefined; // fewstep runs from somewhere else, as a global one
  }
}
