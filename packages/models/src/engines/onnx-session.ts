import { engineFault } from '../errors.js';

/** A graph that is ready to run; what goes wrong then is a ModelError `E_ENGINE`. */
export interface OnnxSession {
  /** Arrays in and out by name; `shape` is a sample's, n is how many there are. */
  run(inputs: Readonly<Record<string, OnnxInput>>, n: number): Promise<Readonly<Record<string, OnnxOutput>>>;
  /** Ends it, once; a run after that is refused. */
  close(): Promise<void>;
}

/** A session, of what a graph is in words: closed once, and no run after that. */
export function onnxSession(what: string, { run, close }: Pick<OnnxSession, 'run' | 'close'>): OnnxSession {
  let open = true;
  return {
    async run(inputs, n) {
      if (!open) throw engineFault(`${what} was closed`);
      return run(inputs, n);
    },
    async close() {
      if (!open) return;
      open = false;
      await close();
    },
  };
}

/** One of a run's inputs: the arrays of its samples, one after another. */
export interface OnnxInput {
  readonly data: Float32Array | BigInt64Array;
  /** Of one sample. */
  readonly shape: readonly number[];
}

/** One of a run's outputs: the arrays of its samples, one after another. */
export type OnnxOutput = Float32Array | BigInt64Array;

/** What a graph is, in words, and the names that it must have: all of its inputs, and those outputs that are asked for. */
export interface OnnxSignature {
  readonly what: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A graph in words. */
export const graphName = (graph: string | Uint8Array): string =>
  typeof graph === 'string' ? graph : `graph of ${graph.length} bytes`;

/** @throws ModelError `E_ENGINE` when a graph has other inputs than its signature says, or not its outputs */
export function checkNames(
  graph: string | Uint8Array,
  { what, inputs, outputs }: OnnxSignature,
  found: { readonly inputs: readonly string[]; readonly outputs: readonly string[] },
): void {
  const hasAll = (of: readonly string[], names: readonly string[]) =>
    names.every((name) => of.includes(name));
  if (found.inputs.length === inputs.length && hasAll(found.inputs, inputs) && hasAll(found.outputs, outputs))
    return;
  throw engineFault(
    `${graphName(graph)} maps ${found.inputs} to ${found.outputs}; ${what} as described maps ${inputs} to ${outputs}`,
    found,
  );
}
