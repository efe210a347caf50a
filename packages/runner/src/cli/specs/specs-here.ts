import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RunnerError } from '../../errors.js';
import { mostSpecBytes } from '../../experiment/read-yaml.js';
import { workingFolder } from '../../workspace.js';

/** The specs that lie in the working folder, told by what they are: a name, and what is sampled. */
export async function specsHere(): Promise<string[]> {
  const folder = workingFolder();
  const names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  const isSpec = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const stats = await stat(path).catch(() => undefined);
      if (!stats?.isFile() || stats.size > mostSpecBytes) return false;
      const text = await readFile(path, 'utf8').catch(() => '');
      return /^name:/m.test(text) && /^(student|sampler|predictor|grid):/m.test(text);
    }),
  );
  return names.filter((_, i) => isSpec[i]);
}

/**
 * The spec that lies in the working folder.
 *
 * @throws RunnerError E_USAGE where there is none, or are several
 */
export async function specHere(): Promise<string> {
  const here = await specsHere();
  if (here.length === 1) return here[0]!;
  throw new RunnerError(
    'E_USAGE',
    here.length === 0
      ? 'there is no experiment here: fewstep init writes one to begin with, or name its YAML file.'
      : `here are ${here.length} experiments: name those that are meant, of ${here.join(', ')}.`,
    { evidence: { specs: here } },
  );
}
