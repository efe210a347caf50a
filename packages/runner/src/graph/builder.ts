import type { Json } from '../json.js';
import type { SeedRange } from '../spec/seeds.js';
import type { Digest } from '../store/digest.js';
import type { Kind } from '../tasks/kinds.js';
import { cutIntoShards } from './shards.js';
import { type Input, identityOf, type Task, type Versions } from './task.js';

/** What a graph depends on beside its experiment. */
export interface World {
  readonly versions: Versions;
  /** Ranges of seeds that finished shards cover. */
  shards(family: Digest): readonly SeedRange[];
}

/** Batches in a shard: small enough that little is lost to a kill, large enough that a shard costs more than its keeping. */
const shardBatches = 4;

/** A task's output as another's input. */
export const output = (task: Task, name: string): Input => ({ task, output: name });

/** The same, where only some tasks of the kind have it. */
export const optionalOutput = (task: Task, name: string): Input => ({ task, output: name, optional: true });

interface TaskParts {
  readonly params: object;
  readonly inputs: Readonly<Record<string, readonly Input[]>>;
  readonly hints?: Task['hints'];
  readonly work?: number;
}

interface ShardedParts {
  readonly params: object;
  readonly inputs: TaskParts['inputs'];
  /** Inputs that depend on a shard's seeds, and what stands for all of them where shards of one kind are told apart. */
  readonly perShard?: {
    readonly identity: string;
    inputs(range: SeedRange): TaskParts['inputs'];
  };
  readonly seeds: readonly SeedRange[];
  readonly batch: number;
  readonly workPerImage: number;
}

/** Collects tasks, each once however often it is asked for. */
export interface GraphBuilder {
  task(kind: Kind, title: string, parts: TaskParts): Task;
  /** One task per shard of the seeds, in their order; each has its range as the parameter `seeds`. */
  sharded(kind: Kind, title: string, parts: ShardedParts): Task[];
  tasks(): readonly Task[];
}

export function graphBuilder(world: World): GraphBuilder {
  const tasks = new Map<Digest, Task>();
  const add = (kind: Kind, title: string, parts: TaskParts, shard?: Task['shard']): Task => {
    const { hints = {}, work = 0 } = parts;
    const params = parts.params as Json;
    // An input without entries is no input: a plain sampler's key must not tell of predictors.
    const inputs = Object.fromEntries(Object.entries(parts.inputs).filter(([, list]) => list.length > 0));
    const id = identityOf(kind, params, inputs, world.versions);
    const known = tasks.get(id);
    if (known) return known;
    const task: Task = { id, kind, params, inputs, hints, title, work, ...(shard && { shard }) };
    tasks.set(id, task);
    return task;
  };
  return {
    task: (kind, title, parts) => add(kind, title, parts),
    sharded(kind, title, { params, inputs, perShard, seeds, batch, workPerImage }) {
      const told = { ...params, ...(perShard && { perShard: perShard.identity }) };
      const family = identityOf(kind, told as Json, inputs, world.versions);
      return seeds
        .flatMap((range) => cutIntoShards(range, world.shards(family), batch * shardBatches))
        .map((range) =>
          add(
            kind,
            `${title}, ${range[0] === range[1] ? `seed ${range[0]}` : `seeds ${range[0]}-${range[1]}`}`,
            {
              params: { ...params, seeds: range },
              inputs: { ...inputs, ...perShard?.inputs(range) },
              hints: { batch },
              work: workPerImage * (range[1] - range[0] + 1),
            },
            { family, range },
          ),
        );
    },
    tasks: () => [...tasks.values()],
  };
}
