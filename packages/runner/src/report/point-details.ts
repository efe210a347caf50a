import { readFile } from 'node:fs/promises';
import type { PointData, TableData } from '@fewstep/report';
import type { Execution, Range, Store, Task } from '@fewstep/taskgraph';
import { seedsText } from '../experiment/seeds.js';
import type { PlannedPoint } from '../graph/compile.js';
import { parseSampler } from '../sampler/sampler-file.js';
import { readInfo } from '../tasks/model-info.js';
import type { Paths } from '../tasks/paths.js';
import type { MethodParams } from '../tasks/sampler.js';
import { curvesOfFit, curvesOfPredictor } from './curves.js';

/**
 * What a page shows of a point beside its figures and pictures; what isn't there, or was not asked for, is left out. A table is
 * of a sampler that decides for all samples alike, and is linear in what the network answers.
 */
export type PointDetails = Pick<PointData, 'paths' | 'intervals' | 'curves' | 'table'>;

/** A table of more is a picture of nothing, and has thousands of numbers. */
const mostEvaluations = 64;

/** What is known of a point whose tasks were found or computed. */
export async function detailsOf(
  planned: PlannedPoint,
  {
    execution: { records },
    store,
  }: { readonly execution: Pick<Execution, 'records'>; readonly store: Store },
): Promise<PointDetails> {
  const { point, schedule, predictor, fit, paths } = planned;
  const file = async (task: Task | undefined, output: string) => {
    const made = task && records.get(task)?.outputs[output];
    return made && store.blob(made);
  };
  const text = async (task: Task | undefined, output: string) => {
    const path = await file(task, output);
    return path && readFile(path, 'utf8');
  };
  const [ways, stats, log] = [
    await text(paths, 'paths'),
    await text(predictor, 'stats'),
    await text(fit?.sampler, 'log'),
  ];
  const { intervals, ...path } = ways ? (JSON.parse(ways) as Paths) : { intervals: undefined };
  const curves = stats ? curvesOfPredictor(stats) : log ? curvesOfFit(log) : undefined;
  const table = await tableOfPoint();
  return {
    ...(intervals && { paths: path as NonNullable<PointData['paths']>, intervals }),
    ...(curves && { curves: { ...curves, ...validationOf(predictor ?? fit?.sampler) } }),
    ...(table && { table }),
  };

  async function tableOfPoint(): Promise<TableData | undefined> {
    const fitted = await text(fit?.sampler, 'sampler');
    // a predictor on top of one changes it for each sample
    const given = predictor || point.predictor ? undefined : point.table?.sampler;
    const { table } = fitted ? parseSampler(fitted) : (given ?? { table: undefined });
    if (table) return rowsOf(table);
    if (fit || point.table) return undefined;
    return compiled();
  }

  /** Of a method under its noise levels, or a predictor that reads nothing of the samples. */
  async function compiled(): Promise<TableData | undefined> {
    const { sampler } = point;
    const { evaluations, numSteps, bottleneck, methodModule, scheduleModule } = sampler;
    const isSteered = predictor !== undefined || point.predictor !== undefined;
    if ((isSteered && bottleneck !== 'zero') || evaluations * (numSteps - 1) > mostEvaluations)
      return undefined;
    const { samples } = planned;
    const [model] = (samples.inputs.info ?? []).flatMap((ref) => ('task' in ref ? [ref.task] : []));
    const told = await file(model, 'info');
    const searched = await file(schedule, 'schedule');
    const weights = point.predictor ?? (await file(predictor, 'predictor'));
    if (!told || (schedule && !searched) || (isSteered && !weights)) return undefined;
    const [{ compile, SolverError }, { steeredBy }, { solveOn, solverOf, timesOf }] = await Promise.all([
      import('@fewstep/solvers'),
      import('../tasks/sampler.js'),
      import('../tasks/solving.js'),
    ]);
    const params = samples.params as unknown as MethodParams;
    const info = await readInfo({ info: told });
    const solving = await solveOn(params, info, {
      schedule: searched,
      method: methodModule,
      spacing: scheduleModule,
    });
    const { afs, denoiseToZero } = params;
    const solver = weights ? await steeredBy(weights, solving, info, params) : solverOf(solving);
    try {
      return rowsOf(compile({ solver, sigmas: timesOf(solving), afs, denoiseToZero }));
    } catch (error) {
      if (error instanceof SolverError) return undefined; // it isn't linear
      throw error;
    }
  }
}

function rowsOf({
  sigmas,
  rows,
  bands,
}: {
  readonly sigmas: readonly number[];
  readonly rows: readonly (readonly number[])[];
  readonly bands?: { readonly edges: readonly number[] };
}): TableData {
  return { sigmas, rows, ...(bands && { bands: bands.edges.length + 1 }) };
}

/** Which seeds tell the validation loss of a training. */
function validationOf(task: Task | undefined): { readonly validationSeeds?: string } {
  const { validation } = (task?.params ?? {}) as { readonly validation?: Range };
  return validation ? { validationSeeds: seedsText([validation]) } : {};
}
