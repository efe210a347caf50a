import { type Digest, reach, type Store } from '@fewstep/taskgraph';
import { compile, rootsOf } from '../../graph/compile.js';
import { installedVersions } from '../../versions.js';
import { shownPath } from '../reports/output.js';
import { readExperiments } from '../specs/experiments.js';

/** What is in a store of an experiment. */
export interface Reached {
  readonly name: string;
  readonly spec: string;
  /** Of records. */
  readonly keys: ReadonlySet<Digest>;
}

/** What is in the store of specs. @throws SpecError (E_SPEC) */
export async function reachedBy(
  specs: readonly string[],
  set: readonly string[] | undefined,
  store: Store,
): Promise<Reached[]> {
  const reached: Reached[] = [];
  for (const experiment of await readExperiments(specs, { set })) {
    const keys = await reach(rootsOf(compile(experiment)), { store, versions: installedVersions() });
    reached.push({ name: experiment.name, spec: shownPath(experiment.file), keys });
  }
  return reached;
}
