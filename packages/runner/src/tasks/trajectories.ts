import type { Evaluation, Vector } from '@fewstep/solvers';
import { joined, readTensors, tensorOf } from './artifacts.js';

/** One batch of trajectories: each list by interval. */
interface Batch {
  /** Where each interval ends, [n × size]. */
  readonly points: readonly Vector[];
  /** The network's answers where each begins. */
  readonly openings: readonly Evaluation[];
}

/** Reads batches that may span shards, holding one shard at a time. */
export function trajectoryReader(paths: readonly string[]): { next(n: number): Promise<Batch> } {
  let shard = 0;
  let at = 0;
  let tensors: Awaited<ReturnType<typeof readTensors>> | undefined;
  return {
    async next(n) {
      const taken: Batch[] = [];
      for (let missing = n; missing > 0; ) {
        tensors ??= await readTensors(paths[shard]!);
        const [intervals = 0, count = 0] = tensorOf(tensors, 'x', 'F32').shape;
        const end = Math.min(count, at + missing);
        const part = (name: string, k: number) => {
          const { data } = tensorOf(tensors!, name, 'F32');
          const size = data.length / (intervals * count);
          return Float64Array.from(data.subarray((k * count + at) * size, (k * count + end) * size));
        };
        const each = Array.from({ length: intervals }, (_, k) => k);
        taken.push({
          points: each.map((k) => part('x', k)),
          openings: each.map((k) => ({ denoised: part('denoised', k), bottleneck: part('bottleneck', k) })),
        });
        missing -= end - at;
        at = end;
        if (at === count) {
          shard++;
          at = 0;
          tensors = undefined;
        }
      }
      return taken.length === 1 ? taken[0]! : together(taken);
    },
  };
}

function together(batches: readonly Batch[]): Batch {
  const concatenate = (parts: readonly Vector[]) => joined(parts, Float64Array);
  const first = batches[0]!;
  return {
    points: first.points.map((_, k) => concatenate(batches.map(({ points }) => points[k]!))),
    openings: first.openings.map((_, k) => ({
      denoised: concatenate(batches.map(({ openings }) => openings[k]!.denoised)),
      bottleneck: concatenate(batches.map(({ openings }) => openings[k]!.bottleneck!)),
    })),
  };
}
