import type { OnnxSession, OnnxSignature } from './onnx-session.js';

/**
 * What opens graphs where ONNX Runtime is not to: a package `@fewstep/engine-NAME` exports one as `engine`, and is found
 * where a device's word is NAME or NAME:TARGET.
 *
 * What it computes agrees with ONNX Runtime on the CPU within float32 noise: the device is how a result is computed, not
 * what it is. `decodeGraph` gives a graph's operators and weights.
 */
export interface Engine {
  /**
   * Looks at what follows its name in a device's word, undefined where nothing does, before anything is opened.
   *
   * @throws Error that says what may follow, where this is nothing that it knows
   */
  check(target: string | undefined): void;
  /**
   * Opens a graph, the path of a file or its bytes.
   *
   * @throws ModelError `E_ENGINE` where the target is not there, or the graph has other names than `signature` or what
   *   the engine can't do; it says what would help. `E_ONNX` where the graph can't be read
   */
  open(
    graph: string | Uint8Array,
    signature: OnnxSignature,
    target: string | undefined,
  ): Promise<OnnxSession>;
}
