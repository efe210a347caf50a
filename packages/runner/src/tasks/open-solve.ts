import type { DenoiserResult } from '@fewstep/models';
import { BOTTLENECK_SIZE, type Request } from '@fewstep/solvers';
import { RunnerError } from '../errors.js';
import { type Drawing, startOf } from './batches.js';
import { type Guidable, guide } from './guide.js';
import { loadDenoiser, type Model, shapeOf } from './load-denoiser.js';
import type { ModelInfo } from './model-info.js';
import { type Chosen, type Solve, type SolveParams, solveOn } from './solving.js';

/** One batch, ready to be solved. */
interface Batch {
  /** [n × size] standard normal. */
  readonly latents: Float64Array;
  /**
   * The network, told what this batch's images are to show. `owners`: of which image each sample of the request is, by its
   * place in the batch; left out, one of each.
   */
  denoise(request: Request, owners?: readonly number[]): Promise<DenoiserResult>;
}

/** What a task that evaluates the network has to work with. */
export interface Evaluating extends Model {
  readonly params: Guidable & Drawing;
  readonly inputs: Model['inputs'] & { readonly conditions: readonly string[] };
}

/** What a task that solves has to work with. */
interface Solving extends Evaluating {
  readonly params: SolveParams & Guidable & Drawing;
  readonly inputs: Evaluating['inputs'] & Chosen;
}

/** A network under its guidance, and the start of each batch. */
export interface OpenModel {
  readonly info: ModelInfo;
  /** Of one image or latent. */
  readonly shape: readonly [number, number, number];
  batch(seeds: readonly number[]): Batch;
}

export interface Opened extends OpenModel {
  readonly solving: Solve;
}

/** What every task that solves by a method begins with: the model, and what is solved on it. */
export async function openSolve(context: Solving): Promise<Opened> {
  const opened = await openModel(context);
  return { ...opened, solving: await solveOn(context.params, opened.info, context.inputs) };
}

/**
 * The network under its guidance, and the start of each batch, a function of its seeds alone. A network without a bottleneck
 * gives zeros for it.
 */
export async function openModel(context: Evaluating): Promise<OpenModel> {
  const { params, inputs } = context;
  const { info, denoiser: network } = await loadDenoiser(context);
  const { denoiser, conditionOf } = guide(network, inputs, params);
  const shape = shapeOf(info);
  return {
    info,
    shape,
    batch(seeds) {
      const { latents, labels } = startOf(seeds, shape, info.labelDim, params);
      const condition = conditionOf(seeds);
      const all = { ...(labels && { labels }), ...(condition && { condition }) };
      const toldOf = (owners: readonly number[]) => ({
        ...(labels && { labels: owners.map((i) => labels[i]!) }),
        ...(condition && { condition: rowsOf(condition, seeds.length, owners) }),
      });
      return {
        latents,
        async denoise(request, owners) {
          const result = await denoiser.evaluate({ ...request, ...(owners ? toldOf(owners) : all) });
          if (result.bottleneck.length > 0) return result;
          if (info.bottleneck)
            throw new RunnerError(
              'E_BOTTLENECK',
              'the network gives no bottleneck, and its file promises one: predictors would read zeros. Export it again, or leave onnx.bottleneck out.',
              { exitCode: 1 },
            );
          return { ...result, bottleneck: new Float64Array((owners ?? seeds).length * BOTTLENECK_SIZE) };
        },
      };
    },
  };
}

/** Rows of a matrix of so many, in the order asked for. */
function rowsOf(matrix: Float64Array, count: number, asked: readonly number[]): Float64Array {
  const width = matrix.length / count;
  const rows = new Float64Array(asked.length * width);
  for (const [to, from] of asked.entries())
    rows.set(matrix.subarray(from * width, (from + 1) * width), to * width);
  return rows;
}
