import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './command-line.js';

const run = promisify(execFile);
const names = [
  'schedules',
  'solvers',
  'models',
  'engine-tfjs',
  'metrics',
  'taskgraph',
  'cache-dir',
  'cache-turborepo',
  'executor-bullmq',
  'runner',
  'nx',
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

it.each(names)('@fewstep/%s computes with one version of what computes for it', async (name) => {
  const manifest = await readFile(join(root, 'packages', name, 'package.json'), 'utf8');
  const { dependencies, devDependencies, peerDependencies }: Manifest = JSON.parse(manifest);
  const computing = Object.entries({ ...devDependencies, ...peerDependencies, ...dependencies }).filter(
    ([dependency]) => /^(@tensorflow\/|sharp$|onnxruntime-|@huggingface\/|clip-)/.test(dependency),
  );
  expect(computing.filter(([, range]) => !/^\d+\.\d+\.\d+$/.test(range))).toEqual([]);
});

/**
 * Installs a packed package in an empty folder, without a registry: its own files come from the tarball, those of its
 * declared dependencies, and of theirs, from the workspace. What it does not declare is not there.
 */
async function install(name: (typeof names)[number], folder: string): Promise<void> {
  const modules = join(folder, 'node_modules');
  const unpack = async (packageName: string) => {
    const target = join(modules, '@fewstep', packageName);
    await mkdir(target, { recursive: true });
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: join(root, 'packages', packageName),
    });
    const [{ filename }] = JSON.parse(stdout);
    await run('tar', ['-xzf', join(folder, filename), '-C', target, '--strip-components=1']);
    await link(JSON.parse(await readFile(join(target, 'package.json'), 'utf8')));
  };
  const linked = new Set<string>();
  const link = async ({ dependencies = {} }: Manifest) => {
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

describe.each(names)('@fewstep/%s', (name) => {
  it('packs what it needs, and its README’s examples run where it is installed alone', async () => {
    const folder = join(dir, name);
    await mkdir(folder);
    await install(name, folder);
    const files = await readdir(join(folder, 'node_modules/@fewstep', name), { recursive: true });
    expect(files).toContain('README.md');
    expect(files).toContain('LICENSE');
    expect(files.filter((file) => /\.test\.|tsbuildinfo|^src/.test(file))).toEqual([]);
    await symlink(join(root, 'experiments'), join(folder, 'experiments'));
    const { modules, found } = await examples(join(root, 'packages', name, 'README.md'));
    for (const [module, code] of modules) await writeFile(join(folder, module), code);
    for (const { code, prints } of found) {
      await writeFile(join(folder, 'example.mjs'), code);
      const { stdout } = await run(process.execPath, ['example.mjs'], {
        cwd: folder,
        env: { ...process.env, FORCE_COLOR: '0' },
      });
      expect(stdout.trim()).toBe(prints.trim());
    }
  });
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
