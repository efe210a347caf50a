import { isAbsolute, relative, resolve, sep } from 'node:path';
import { withoutSecrets } from '@fewstep/taskgraph/secrets';
import type { Experiment } from '../experiment/experiment.js';
import { workingFolder } from '../workspace.js';
import type { Report } from './report.js';
import type { Settings } from './resolved-spec.js';

/** A report with every key of each point, as the spec beside it has them, and with what of them varies. */
export function withSettings(report: Report, experiment: Experiment, wholes: readonly Settings[]): Report {
  const given = experiment.points.map(({ settings }) => settings);
  const valuesAt = (path: string) =>
    new Set(given.map((settings, i) => JSON.stringify(settings[path] ?? wholes[i]!.get(path))));
  const paths = [...new Set(given.flatMap((settings) => Object.keys(settings)))];
  const changes = experiment.changes.map(withoutSecrets);
  return {
    ...report,
    points: report.points.map((point, i) => {
      const { name: _, ...settings } = Object.fromEntries(wholes[i]!);
      return { ...point, settings };
    }),
    varies: paths.filter((path) => valuesAt(path).size > 1),
    ...(changes.length > 0 && { changes }),
  };
}

/**
 * A report whose paths are relative to a folder, with / between their steps: so that what is written there says the same when
 * the project is moved, and can be linked to.
 */
export function relativeTo(folder: string, report: Report): Report {
  const moved = (path: string) => {
    const inside = relative(folder, resolve(workingFolder(), path));
    return isAbsolute(inside) ? inside : inside.split(sep).join('/');
  };
  const { comparison, spec, run, log } = report;
  const files = Object.entries({ comparison, spec, run, log });
  return {
    ...report,
    ...Object.fromEntries(files.flatMap(([what, path]) => (path === undefined ? [] : [[what, moved(path)]]))),
    points: report.points.map(({ artifacts, ...point }) => ({
      ...point,
      artifacts: Object.fromEntries(
        Object.entries<string | readonly string[]>(artifacts).map(([what, paths]) => [
          what,
          typeof paths === 'string' ? moved(paths) : paths.map(moved),
        ]),
      ) as unknown as typeof artifacts,
    })),
  };
}
