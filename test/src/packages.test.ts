import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from './command-line.js';

const run = promisify(execFile);
const names = [
  'schedules',
  'solvers',
  'models',
  'engine-tfjs',
  'metrics',
  'report',
  'taskgraph',
  'cache-dir',
  'cache-turborepo',
  'executor-bullmq',
  'runner',
  'nx',
  'digits',
  'emoji',
  'fewstep',
] as const;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-packages-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

interface Manifest {
  readonly name: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
}

it.each(names)('%s computes with one version of what computes for it', async (name) => {
  const manifest = await readFile(join(root, 'packages', name, 'package.json'), 'utf8');
  const { dependencies, devDependencies, peerDependencies }: Manifest = JSON.parse(manifest);
  const computing = Object.entries({ ...devDependencies, ...peerDependencies, ...dependencies }).filter(
    ([dependency]) => /^(@tensorflow\/|sharp$|onnxruntime-|@huggingface\/|clip-)/.test(dependency),
  );
  expect(computing.filter(([, range]) => !/^\d+\.\d+\.\d+$/.test(range))).toEqual([]);
});

/** Tarballs of all packages, by their folders. */
const tarballs = new Map<string, string>();
beforeAll(async () => {
  const { stdout } = await run(
    'npm',
    ['pack', '--json', '--pack-destination', dir, ...names.map((name) => `./packages/${name}`)],
    { cwd: root, maxBuffer: 2 ** 26 },
  );
  const packed: { name: string; filename: string }[] = JSON.parse(stdout);
  for (const { name, filename } of packed) tarballs.set(name.replace('@fewstep/', ''), join(dir, filename));
});

/**
 * Installs a packed package in an empty folder, without a registry: its own files come from the tarball, those of its
 * declared dependencies, and of theirs, from the workspace. What it does not declare is not there.
 */
async function install(name: string, folder: string): Promise<void> {
  const modules = join(folder, 'node_modules');
  const linked = new Set<string>();
  const unpack = async (packageName: string) => {
    const target = placeOf(folder, packageName);
    await mkdir(target, { recursive: true });
    await run('tar', ['-xzf', tarballs.get(packageName)!, '-C', target, '--strip-components=1']);
    const { dependencies = {} }: Manifest = JSON.parse(await readFile(join(target, 'package.json'), 'utf8'));
    for (const dependency of Object.keys(dependencies)) {
      if (linked.has(dependency)) continue;
      linked.add(dependency);
      if (dependency.startsWith('@fewstep/')) {
        await unpack(dependency.slice('@fewstep/'.length));
      } else {
        await mkdir(dirname(join(modules, dependency)), { recursive: true });
        await symlink(join(root, 'node_modules', dependency), join(modules, dependency));
      }
    }
  };
  await unpack(name);
}

const placeOf = (folder: string, name: string) =>
  join(folder, 'node_modules', name === 'fewstep' ? '' : '@fewstep', name);

/** The fences of a README, marked `js`: modules that name their file first, and those that say what they print. */
async function examples(
  readme: string,
): Promise<{ modules: Map<string, string>; found: { code: string; prints: string }[] }> {
  const fences = (await readFile(readme, 'utf8')).matchAll(/```js\n([\s\S]*?)```/g);
  const modules = new Map<string, string>();
  const found = [...fences].flatMap(([, code = '']) => {
    const [, module] = /^\/\/ ([\w-]+\.mjs)\b/.exec(code) ?? [];
    if (module !== undefined) {
      modules.set(module, code);
      return [];
    }
    const prints = code.split('\n').filter((line) => line.startsWith('// '));
    return prints.length > 0 ? [{ code, prints: prints.map((line) => line.slice(3)).join('\n') }] : [];
  });
  if (found.length === 0) throw new Error(`${readme} has no js fence that says what it prints`);
  return { modules, found };
}

const repository = 'https://github.com/fewstep/fewstep';

it.each(names)(
  '%s packs what it needs, says where it is from, and its maps and links lead somewhere',
  async (name) => {
    const folder = join(dir, name);
    await mkdir(folder);
    await install(name, folder);
    const own = placeOf(folder, name);
    const files = await readdir(own, { recursive: true });
    expect(files).toEqual(expect.arrayContaining(['README.md', 'package.json']));
    expect(files.filter((file) => /\.test\.|tsbuildinfo/.test(file))).toEqual([]);
    expect(JSON.parse(await readFile(join(own, 'package.json'), 'utf8'))).toMatchObject({
      keywords: expect.arrayContaining(['fewstep']),
      homepage: `${repository}/tree/main/packages/${name}#readme`,
      repository: { url: `git+${repository}.git`, directory: `packages/${name}` },
      publishConfig: { access: 'public' },
      license: expect.stringMatching(/./),
    });
    for (const map of files.filter((file) => file.endsWith('.map'))) {
      const { sources } = JSON.parse(await readFile(join(own, map), 'utf8'));
      for (const source of sources) expect(files).toContain(join(dirname(map), source));
    }
    const readme = await readFile(join(own, 'README.md'), 'utf8');
    const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, to]) => to!);
    expect(
      links.filter((to) => !/^(https:\/\/|#)/.test(to)),
      'npm run links makes them absolute',
    ).toEqual([]);
    const inside = links.flatMap(
      (to) => /^https:\/\/github\.com\/fewstep\/fewstep\/(?:blob|tree)\/main\/([^#]+)/.exec(to)?.[1] ?? [],
    );
    for (const path of inside) expect(existsSync(join(root, path)), path).toBe(true);
  },
);

const libraries = names.filter((name) => !['digits', 'emoji', 'fewstep'].includes(name));

it.concurrent.each(libraries)(
  '@fewstep/%s runs its README’s examples where it is installed alone',
  async (name) => {
    const folder = join(dir, name);
    const readme = join(placeOf(folder, name), 'README.md');
    if ((await readFile(readme, 'utf8')).includes('@fewstep/digits') || name === 'runner')
      await install('digits', folder);
    const { modules, found } = await examples(readme);
    for (const [module, code] of modules) await writeFile(join(folder, module), code);
    for (const { code, prints } of found) {
      await writeFile(join(folder, 'example.mjs'), code);
      const { stdout } = await run(process.execPath, ['example.mjs'], {
        cwd: folder,
        env: { ...process.env, FORCE_COLOR: '0' },
      });
      expect(stdout.trim()).toBe(prints.trim());
    }
  },
);

it('fewstep, installed alone, begins a spec and runs it, with a dataset that others made as it is told', async () => {
  const folder = join(dir, 'fewstep');
  const command = (...args: string[]) =>
    run(process.execPath, ['node_modules/fewstep/bin/fewstep.js', ...args], { cwd: folder });
  await command('init');
  const small = ['sample.seeds=0-1', 'sample.grid=2x1', 'evaluate=[rmse_to_teacher]'];
  const { stdout } = await command('run', ...small.flatMap((one) => ['--set', one]));
  expect(stdout).toMatch(/\| euler +\| +5 \| .*\n(\|.*\n){3}\| heun, 35 NFE \| +35 \| +0\.00/);
  const left = await readdir(join(folder, 'results'), { recursive: true });
  for (const file of ['comparison.png', 'euler/grid.png', 'report.json', 'run.json'])
    expect(
      left.some((path) => path.endsWith(file)),
      file,
    ).toBe(true);

  // the package and the names that docs/datasets.md tells how to make
  const doc = await readFile(join(root, 'docs/datasets.md'), 'utf8');
  const [manifest] = [...doc.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => text!);
  const yaml = [...doc.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text!);
  const faces = join(folder, 'node_modules/@lab/faces');
  await mkdir(faces, { recursive: true });
  await writeFile(join(faces, 'package.json'), manifest!);
  const keys = yaml.find((text) => text.startsWith('licence'))!;
  await writeFile(join(faces, 'dataset.yaml'), `${keys}sigma_min: 0.002\nsigma_max: 80\n`); // told as the digits are
  for (const [from, to] of [
    ['digits-edm.pkl', 'faces.pkl'],
    ['digits-32x32.zip', 'faces.zip'],
    ['digits-features.onnx', 'faces-features.onnx'],
  ] as const)
    await symlink(join(placeOf(folder, 'digits'), from), join(faces, to));
  await writeFile(join(folder, 'datasets.yaml'), yaml.find((text) => text.startsWith('church'))!);
  await writeFile(
    join(folder, 'own.yaml'),
    `name: own
schedule: { type: polynomial }
student: { solver: euler, num_steps: 4 }
train: false
grid: { dataset: [digits, '@lab/faces', church, { name: digits, checkpoint: mine.pkl }] }
`,
  );
  expect((await command('validate', 'own.yaml')).stdout).toContain('own.yaml: valid, 4 points');
  const listed = JSON.parse((await command('models', 'list', '--json')).stdout);
  expect(listed.models.find(({ name }: Manifest) => name === '@lab/faces').files).toMatchObject(
    ['checkpoint', 'reference_data', 'feature_network'].map((role) => ({
      role,
      here: true,
      licence: 'CC0, the lab',
    })),
  );
  // what is the same by its contents is found
  const again = await command(
    'run',
    'first-look.yaml',
    ...[...small, "dataset='@lab/faces'"].flatMap((one) => ['--set', one]),
  );
  expect(again.stdout).toContain('tasks: 0 computed');
});

it('@fewstep/models alone has no TF.js, and says what to install', async () => {
  const folder = join(dir, 'models');
  const code = `import { parseDevice } from '@fewstep/models';
    await parseDevice('tfjs:wasm').catch(({ code, message }) => console.log(code, message));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: folder });
  expect(stdout).toMatch(
    /^E_ENGINE the engine "tfjs" is not installed: no package @fewstep\/engine-tfjs from .*models upwards, nor beside @fewstep\/models\. npm install @fewstep\/engine-tfjs\n$/,
  );
});

it('@fewstep/taskgraph goes on from where its README’s pipeline was killed, and computes nothing again', async () => {
  const folder = join(dir, 'taskgraph');
  const store = join(folder, 'store');
  const recorded = async () => {
    const names = await readdir(join(store, 'records'), { recursive: true }).catch(() => []);
    return names.filter((one) => one.endsWith('.json')).length;
  };
  for (const finished of [0, 1, 2, 3]) {
    await rm(store, { recursive: true, force: true });
    const child = spawn(process.execPath, ['example.mjs'], { cwd: folder, stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    while ((await recorded()) < finished) await sleep(1);
    child.kill('SIGKILL');
    await ended;
    const kept = await recorded();
    expect(kept).toBeGreaterThanOrEqual(finished);
    const { stdout } = await run(process.execPath, ['example.mjs'], { cwd: folder });
    expect(stdout.split('\n')[0]).toBe(
      kept < 4
        ? `Both: 9 words (${4 - kept} computed, ${kept} found)`
        : 'Both: 9 words (0 computed, 4 found)',
    );
    expect(stdout).toContain('\nTogether: 9 words (');
  }
});
