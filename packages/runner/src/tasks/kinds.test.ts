import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kind } from '@fewstep/taskgraph';
import { expect, it } from 'vitest';
import { kinds } from './kinds.js';

const tasks = dirname(fileURLToPath(import.meta.url));

/**
 * The container of artifacts, which gives back the bits that were written, in any version: `artifacts.test.ts` holds its
 * bytes. All else that a package computes is in the key of the kinds that list it.
 */
const container = ['models readSafetensors', 'models writeSafetensors'];

/** What a module of the runner takes from packages of ours while it runs, types aside: `models openDenoiser`. */
function takenBy(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const source = readFileSync(file, 'utf8').replaceAll(/^\s*\/?\*.*$/gm, '');
  const fromFolder = (path: string) => takenBy(join(dirname(file), path.replace(/\.js$/, '.ts')), seen);
  const taken: string[] = [];
  for (const [, names = '', from = ''] of source.matchAll(
    /^(?:import|export)\s+(?!type\b)(\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+)\s+from\s+'([^']+)'/gm,
  )) {
    if (from.startsWith('.')) taken.push(...fromFolder(from));
    const values = names
      .replaceAll(/[{}]/g, '')
      .split(',')
      .map((name) => name.trim().replace(/\s+as\s.*/, ''))
      .filter((name) => name !== '' && !name.startsWith('type '));
    if (from.startsWith('@fewstep/') && !from.startsWith('@fewstep/taskgraph'))
      taken.push(...values.map((name) => `${from.split('/')[1]} ${name}`));
  }
  for (const [, from = ''] of source.matchAll(/import\(\s*'([^']+)'\s*\)/g))
    if (from.startsWith('.')) taken.push(...fromFolder(from));
    else if (from.startsWith('@fewstep/')) taken.push(`${from.split('/')[1]} *`);
  return [...new Set(taken)];
}

const moduleOf = (kind: string) => join(tasks, `${kind}.ts`);

it.each(Object.values(kinds).map(({ name, packages, run }) => ({ name, packages, run: String(run) })))(
  '$name takes from no package that its key leaves out',
  ({ name, packages, run }) => {
    expect(existsSync(moduleOf(name)), relative(tasks, moduleOf(name))).toBe(true);
    expect(run).toContain(`${name}.`);
    const others = takenBy(moduleOf(name)).filter(
      (one) => !packages.includes(one.split(' ')[0] as never) && !container.includes(one),
    );
    expect(others).toEqual([]);
  },
);

it('no task reads a spec, or asks what one may say', () => {
  const seen = new Set<string>();
  for (const { name } of Object.values(kinds)) takenBy(moduleOf(name), seen);
  takenBy(join(tasks, 'kinds.ts'), seen);
  const rooms = new Set([...seen].map((file) => relative(dirname(tasks), file).split(sep)[0]!));
  expect([...rooms].filter((room) => /^(experiment|graph|cli|report)$/.test(room))).toEqual([]);
  expect(rooms).toContain('judging');
});

it('is told of packages behind other modules, and not of types', () => {
  expect(takenBy(moduleOf('samples'))).toEqual(
    expect.arrayContaining(['solvers solve', 'schedules sigmas', 'models openDenoiser', 'solvers predict']),
  );
  expect(takenBy(moduleOf('fid'))).toContain('metrics frechetDistance');
  expect(takenBy(moduleOf('fid'))).not.toContain('metrics Statistics');
});

it('code of the user’s own is an input that its kind says is code, so that no other machine executes it', () => {
  const executed = ['method', 'spacing', 'generator', 'module'];
  const all: readonly Kind[] = Object.values(kinds);
  for (const { name, inputs, code = [] } of all)
    expect([...code], name).toEqual(executed.filter((input) => Object.hasOwn(inputs, input)));
  expect(all.filter(({ code }) => code).length).toBeGreaterThan(8);
});
