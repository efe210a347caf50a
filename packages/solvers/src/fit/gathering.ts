import type { JointRequest } from '../drive/lockstep.js';
import { concatenate } from '../math/vector.js';
import type { BlockDenoise } from './block.js';

/** One that waits for its answer. */
interface Waiting {
  readonly of: number;
  readonly request: JointRequest;
  readonly answered: (denoised: Float64Array) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Does the same for each of so many samples at a time, what they all wait for in one request: `work` is told the place of its
 * sample and asks for evaluations one after the other, whose owners are that place.
 *
 * The results are those of each alone, if the denoiser treats each sample by itself.
 */
export async function gathering<T>(
  count: number,
  denoise: BlockDenoise,
  work: (of: number, denoise: BlockDenoise) => Promise<T>,
): Promise<T[]> {
  let running = count;
  let waiting: Waiting[] = [];
  const answerAll = async () => {
    if (waiting.length < running || waiting.length === 0) return;
    const all = waiting.sort((a, b) => a.of - b.of);
    waiting = [];
    try {
      const { denoised } = await denoise({
        x: concatenate(all.map(({ request }) => request.x)),
        sigma: concatenate(all.map(({ request }) => request.sigma)),
        owners: all.flatMap(({ of, request }) => request.owners.map(() => of)),
      });
      let at = 0;
      for (const { request, answered } of all) answered(denoised.subarray(at, (at += request.x.length)));
    } catch (error) {
      for (const { failed } of all) failed(error);
    }
  };
  const own =
    (of: number): BlockDenoise =>
    async (request) => ({
      denoised: await new Promise<Float64Array>((answered, failed) => {
        waiting.push({ of, request, answered, failed });
        void answerAll();
      }),
    });
  const results = await Promise.allSettled(
    Array.from({ length: count }, async (_, of) => {
      try {
        return await work(of, own(of));
      } finally {
        running--;
        void answerAll();
      }
    }),
  );
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
