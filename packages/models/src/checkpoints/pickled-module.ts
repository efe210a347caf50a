import { checkpointFault, ModelError } from '../errors.js';
import { constructors, PythonInstance } from '../files/constructors.js';
import { Budget, describe, type PickleValue, runPickle } from '../files/pickle.js';
import { foreignFormat } from '../files/sniff.js';
import { fileSource, type Source } from '../files/source.js';
import { isTorchLegacy, readTorchLegacy } from '../files/torch-legacy.js';
import { isTorchZip, readTorchZip } from '../files/torch-zip.js';
import { openZip } from '../files/zip.js';

/** What the pickle of a training is to be: a dict with a module of PyTorch. */
export interface PickledModule {
  readonly what: string;
  readonly key: string;
  /** That the module may be of. */
  readonly classes: readonly string[];
  /** What a file is said to do that has something else at that key. */
  readonly holds: string;
  /** What such a file is, as a sentence. */
  readonly expected: string;
}

type Fault = (message: string, evidence?: Record<string, unknown>, cause?: unknown) => ModelError;

/** Errors that say what is expected, too. */
export const faultOf =
  ({ expected }: PickledModule): Fault =>
  (message, evidence = {}, cause?) =>
    checkpointFault(`${message}. ${expected}`, evidence, cause);

/** Reads a file by what is made of its bytes. @throws ModelError `E_CHECKPOINT`, with `path` in `evidence` */
export async function readModule<M>(path: string, parse: (source: Source) => M | Promise<M>): Promise<M> {
  const source = fileSource(path);
  try {
    return await parse(source);
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    throw checkpointFault(`${path}: ${cause.message}`, { ...cause.evidence, path }, cause);
  } finally {
    source.close();
  }
}

/** The module in the bytes of a pickle. @throws ModelError `E_CHECKPOINT` that says what they are instead */
export function moduleIn(source: Source, kind: PickledModule): PythonInstance {
  const format = foreignFormat(headOf(source));
  if (format) throw faultOf(kind)(`it is ${format}`, { format });
  try {
    return moduleOf(runPickle(source, { constructors }).value, kind);
  } catch (cause) {
    throw unreadable(cause, kind);
  }
}

/**
 * What is made of the module in such bytes, also where `torch.save` wrote them, in its zip format or the one before.
 *
 * @throws as `moduleIn`, also where the elements of a tensor are damaged
 */
export async function ofSavedModule<M>(
  source: Source,
  kind: PickledModule,
  make: (module: PythonInstance) => M,
): Promise<M> {
  const find = async (): Promise<PythonInstance> => {
    const budget = new Budget(source.length);
    if (isTorchLegacy(source)) return moduleOf(readTorchLegacy(source, constructors, budget), kind);
    const isZip = Buffer.from(headOf(source)).toString('latin1').startsWith('PK\x03\x04');
    const entries = isZip ? await openZip(source) : [];
    return isTorchZip(entries) ? moduleOf(readTorchZip(entries, budget), kind) : moduleIn(source, kind);
  };
  try {
    return make(await find());
  } catch (cause) {
    throw unreadable(cause, kind);
  }
}

const headOf = (source: Source): Uint8Array => source.read(0, Math.min(source.length, 256));

const unreadable = (cause: unknown, kind: PickledModule): unknown =>
  cause instanceof ModelError && cause.code !== 'E_CHECKPOINT'
    ? faultOf(kind)(`it is no readable ${kind.what}: ${cause.message}`, cause.evidence, cause)
    : cause;

/** The same of what the pickle holds. */
export function moduleOf(value: PickleValue, kind: PickledModule): PythonInstance {
  const { key, classes, holds } = kind;
  const fault = faultOf(kind);
  const module = value instanceof Map ? value.get(key) : value;
  if (module === undefined && (value as Map<PickleValue, PickleValue>).has('optimizer_state'))
    throw fault(
      'it is the state of a training, to go on with it: name the snapshot that lies beside it, network-snapshot-….pkl',
    );
  if (module === undefined)
    throw fault(
      `it is a dict without "${key}"; its keys are ${[...(value as Map<PickleValue, PickleValue>).keys()].slice(0, 8).map(describe).join(', ')}`,
    );
  if (!(module instanceof PythonInstance))
    throw fault(`${value === module ? 'it holds' : holds} ${describe(module)}`);
  if (!classes.includes(module.className))
    throw fault(`${holds} a ${module.className}`, { class: module.className });
  return module;
}
