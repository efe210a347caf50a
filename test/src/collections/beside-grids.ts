import { fork } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fewstep } from '../command-line.js';
import { tiny } from '../small-experiment.js';

const collector = fileURLToPath(new URL('../../dist/collections/collect.js', import.meta.url));
const collectors = 2;

interface Counts {
  readonly collections: number;
  readonly results: number;
  readonly held: number;
  readonly isOver?: boolean;
}

/** What collections beside two running grids came to. */
export interface Beside {
  readonly collections: number;
  /** Results that went: those of runs that had ended. */
  readonly collected: number;
  /** Results that would have gone, had no run held them. */
  readonly held: number;
  /** How often both grids ran, and the tasks that they computed. */
  readonly rounds: number;
  readonly computed: number;
  /** What must not be: runs that failed, tasks that one run computed twice, tables that are not those of undisturbed runs. */
  readonly wrong: readonly string[];
}

/** Two grids that share teacher, reference and half of their points. */
const specOf = (name: string, num_steps: readonly number[], lr: number) => `name: ${name}
dataset: { checkpoint: ${tiny} }
schedule: { type: polynomial, rho: 7 }
student: { solver: amed, num_steps: 3 }
train: { total_kimg: 0.016, batch: 8 }
sample: { seeds: 0-7, batch: 4, grid: 2x2 }
reference: { solver: heun, num_steps: 5 }
evaluate: [rmse_to_teacher]
grid:
  student.num_steps: [${num_steps}]
  train.lr: [0.005, ${lr}]
`;

/** Runs both grids again and again on one store, beside processes that collect all the while, until they did so so often. */
export async function besideGrids(leastCollections: number): Promise<Beside> {
  const dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  const specs = { one: specOf('one', [3], 0.01), other: specOf('other', [3], 0.02) };
  for (const [name, spec] of Object.entries(specs)) await writeFile(join(dir, `${name}.yaml`), spec);
  const names = Object.keys(specs);
  const wrong: string[] = [];
  let [rounds, computed] = [0, 0];
  const run = async (name: string, store: string, results: string): Promise<string> => {
    const args = ['run', `${name}.yaml`, '--store', store, '--results', results, '--json'];
    const { code, stdout, stderr } = await fewstep(args, { cwd: dir });
    if (code !== 0) wrong.push(`${name} ended with ${code}: ${stderr}`);
    else if (store === 'shared') computed += JSON.parse(stdout).tasks.computed;
    const titles = [...stderr.matchAll(/^\[\d+\/\d+\] (.*): [\d.]+ s\b/gm)].map(([, title]) => title!);
    for (const title of titles.filter((one, i) => titles.indexOf(one) < i))
      wrong.push(`${name} computed ${title} twice`);
    return readFile(join(dir, results, name, 'table.md'), 'utf8').catch(() => 'no table');
  };
  try {
    const undisturbed = await Promise.all(names.map((name) => run(name, `alone-${name}`, 'alone')));
    await mkdir(join(dir, 'shared'));
    const counts: Counts[] = [];
    const children = Array.from({ length: collectors }, (_, i) => {
      const child = fork(collector, [join(dir, 'shared')]);
      const ended = new Promise<void>((resolve) => {
        child.on('message', (told: Counts) => {
          counts[i] = told;
          if (told.isOver) resolve();
        });
        child.once('exit', () => resolve());
      });
      return { child, ended };
    });
    const sum = (of: 'collections' | 'results' | 'held') => counts.reduce((all, one) => all + one[of], 0);
    do {
      rounds++;
      const tables = await Promise.all(names.map((name) => run(name, 'shared', `round-${rounds}`)));
      for (const [i, table] of tables.entries())
        if (table !== undisturbed[i]) wrong.push(`${names[i]} has another table:\n${table}`);
    } while (wrong.length === 0 && sum('collections') < leastCollections);
    for (const { child } of children) child.send('end');
    await Promise.all(children.map(({ ended }) => ended));
    return {
      collections: sum('collections'),
      collected: sum('results'),
      held: sum('held'),
      rounds,
      computed,
      wrong,
    };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
