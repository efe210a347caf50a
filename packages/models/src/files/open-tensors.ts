import { checkpointFault } from '../errors.js';
import { constructors, PythonInstance } from './constructors.js';
import { moduleViews } from './module-tensors.js';
import { checkpointIn } from './nested-zip.js';
import { Budget, type PickleValue, runPickle } from './pickle.js';
import { isSafetensors, openSafetensors } from './safetensors.js';
import { foreignFormat } from './sniff.js';
import { memorySource, type Source } from './source.js';
import type { TensorFile } from './tensor-file.js';
import { isTorchLegacy, readTorchLegacy } from './torch-legacy.js';
import { torchTensors } from './torch-tensors.js';
import { isTorchZip, readTorchZip } from './torch-zip.js';
import { openZip } from './zip.js';

/** A file of tensors whatever its format, and what to close after use. */
export interface OpenTensors {
  readonly file: TensorFile;
  close(): void;
}

/**
 * Opens a file of tensors by what it starts with: PyTorch's zip and legacy formats, a pickle, safetensors, or a zip of
 * one of them. Of a pickled module it is those of its state dict. Closes `source` when it fails.
 *
 * @throws ModelError `E_CHECKPOINT`, `E_PICKLE`, `E_ZIP` or `E_SAFETENSORS`.
 */
export async function openTensors(source: Source, outer = ''): Promise<OpenTensors> {
  try {
    const head = source.read(0, Math.min(source.length, 256));
    if (!isZip(head)) return { file: await openPlain(source, head, outer), close: () => source.close() };
    const entries = await openZip(source);
    if (isTorchZip(entries)) {
      const budget = new Budget(source.length);
      const value = await holderOf(readTorchZip(entries, budget), budget);
      return { file: torchTensors(`${outer}PyTorch zip`, value), close: () => source.close() };
    }
    if (outer) throw checkpointFault('it is a zip in a zip, without a checkpoint');
    const inner = await openTensors(await checkpointIn(entries), 'zip of ');
    return {
      file: inner.file,
      close() {
        inner.close();
        source.close();
      },
    };
  } catch (cause) {
    source.close();
    throw cause;
  }
}

const isZip = (head: Uint8Array): boolean => Buffer.from(head).toString('latin1', 0, 4) === 'PK\x03\x04';

async function openPlain(source: Source, head: Uint8Array, outer: string): Promise<TensorFile> {
  if (isSafetensors(head)) {
    const file = openSafetensors(source);
    return { ...file, format: `${outer}${file.format}` };
  }
  const foreign = foreignFormat(head);
  if (foreign) throw checkpointFault(`it is ${foreign}, no file of tensors`, { format: foreign });
  const budget = new Budget(source.length);
  if (isTorchLegacy(source)) {
    const value = await holderOf(readTorchLegacy(source, constructors, budget), budget);
    return torchTensors(`${outer}PyTorch legacy`, value);
  }
  const pickled = runPickle(source, { constructors, budget }).value;
  return { ...torchTensors(`${outer}pickle`, await holderOf(pickled, budget)), pickled };
}

/**
 * What has the tensors of a pickle, where that is no dict: a module with its parameters, or a TorchScript program whose
 * file is within as bytes, alone or as an attribute of an object.
 */
async function holderOf(value: PickleValue, budget: Budget): Promise<PickleValue> {
  const attributes = value instanceof PythonInstance ? [...value.state.values()] : [value];
  const [program, ...more] = attributes.filter((one) => one instanceof Uint8Array && isZip(one));
  if (program && more.length === 0) {
    const entries = await openZip(memorySource(program as Uint8Array));
    if (isTorchZip(entries)) return readTorchZip(entries, budget);
  }
  return value instanceof PythonInstance && value.state.has('_modules') ? moduleViews(value) : value;
}
