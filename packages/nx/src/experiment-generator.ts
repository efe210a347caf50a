import type { Tree } from 'nx/src/devkit-exports';

interface Options {
  readonly name: string;
  readonly directory: string;
  readonly dataset: string;
}

/**
 * `nx generate @fewstep/nx:experiment NAME`: an experiment in a folder of the workspace, and this plugin in `nx.json` where it
 * isn't yet.
 *
 * @throws Error where there is such a file, or the name is none
 */
export default function addExperiment(tree: Tree, { name, directory, dataset }: Options): void {
  const file = `${directory}/${name}.yaml`;
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(name))
    throw new Error(
      `"${name}" is no name of an experiment: results go by it, so it has letters, digits, dots, dashes and underscores alone.`,
    );
  if (tree.exists(file)) throw new Error(`${file} is there already: take another name, or remove it.`);
  tree.write(file, specOf(name, dataset));

  const nxJson = JSON.parse(tree.read('nx.json', 'utf8') ?? '{}') as {
    plugins?: (string | { readonly plugin: string })[];
  };
  const { plugins = [] } = nxJson;
  if (plugins.some((one) => (typeof one === 'string' ? one : one.plugin) === '@fewstep/nx')) return;
  tree.write('nx.json', `${JSON.stringify({ ...nxJson, plugins: [...plugins, '@fewstep/nx'] }, null, 2)}\n`);
}

const specOf = (
  name: string,
  dataset: string,
): string => `# npx nx run ${name}:run computes it; npx fewstep schema tells all that can be said here.
name: ${name}
dataset: ${/^[\w-]+$/.test(dataset) ? dataset : `{ checkpoint: ${JSON.stringify(dataset)} }`}
schedule: { type: time_uniform, rho: 1 }
student: { solver: amed, num_steps: 4, afs: true }
train: { total_kimg: 10, batch: 128, lr: 0.005 }
sample: { seeds: 0-4095, batch: 128 }
grid:
  points:
    - label: AMED-Solver
    - { label: heun, student: { solver: heun, num_steps: 4, afs: true }, train: false }
`;
