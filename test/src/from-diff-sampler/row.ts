import { equal, rejects } from 'node:assert/strict';
import { type Point, parseExperiment } from '@fewstep/runner';
import type { World } from './world.js';

/** Something of the official scripts, what it is here, and what shows that it is. */
export interface Row {
  /** As it is typed or named there. */
  readonly official: string;
  /** Its default there, of an option. */
  readonly theirs?: string;
  /** As it is typed or named here; a dash where it has no counterpart. */
  readonly here: string;
  /** Its default here, of an option. */
  readonly ours?: string;
  /** What differs and why; why it has no counterpart. */
  readonly note: string;
  /** @throws where our side is not as the row says */
  check(world: World): unknown;
}

/** Rows that belong together: those of a script, of folders. */
export interface Group {
  readonly title: string;
  readonly rows: readonly Row[];
}

const base = `name: base
dataset: cifar10
schedule: { type: polynomial }
student: { solver: amed, num_steps: 4 }
`;

/** The one point of a spec with as little in it as may be, and of what is set on top of it. */
export async function pointOf(...set: string[]): Promise<Point> {
  const { points } = await parseExperiment(base, 'base.yaml', { set });
  equal(points.length, 1);
  return points[0]!;
}

/** That a spec can't say this. */
export const refused = (...set: string[]) => rejects(pointOf(...set), { code: 'E_SPEC' }, set.join(' '));

/** An option that is a key of a spec. */
export const key = (
  [official, theirs]: readonly [flag: string, theirs: string],
  [path, ours]: readonly [path: string, ours: number | string | boolean],
  note: string,
  { at, set }: { at(point: Point): unknown; readonly set: number | string | boolean },
): Row => ({
  official,
  theirs,
  here: `\`${path}\``,
  ours: String(ours),
  note,
  async check() {
    equal(at(await pointOf()), ours);
    equal(at(await pointOf(`${path}=${set}`)), set);
  },
});

/** An option without a counterpart, which no key of a spec is called, either. */
export const none = (official: string, theirs: string, note: string, check: Row['check']): Row => ({
  official,
  theirs,
  here: '–',
  ours: '',
  note,
  check,
});
