import { checkpointFault } from '../errors.js';
import { constructors } from './constructors.js';
import { checkpointIn } from './nested-zip.js';
import { Budget, runPickle } from './pickle.js';
import { isSafetensors, openSafetensors } from './safetensors.js';
import { foreignFormat } from './sniff.js';
import type { Source } from './source.js';
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
 * one of them. Closes `source` when it fails.
 *
 * @throws ModelError `E_CHECKPOINT`, `E_PICKLE`, `E_ZIP` or `E_SAFETENSORS`.
 */
export async function openTensors(source: Source, outer = ''): Promise<OpenTensors> {
  try {
    const head = source.read(0, Math.min(source.length, 256));
    if (Buffer.from(head).toString('latin1', 0, 4) !== 'PK\x03\x04')
      return { file: openPlain(source, head, outer), close: () => source.close() };
    const entries = await openZip(source);
    if (isTorchZip(entries)) {
      const file = torchTensors(`${outer}PyTorch zip`, readTorchZip(entries, new Budget(source.length)));
      return { file, close: () => source.close() };
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

function openPlain(source: Source, head: Uint8Array, outer: string): TensorFile {
  if (isSafetensors(head)) {
    const file = openSafetensors(source);
    return { ...file, format: `${outer}${file.format}` };
  }
  const foreign = foreignFormat(head);
  if (foreign) throw checkpointFault(`it is ${foreign}, no file of tensors`, { format: foreign });
  if (isTorchLegacy(source))
    return torchTensors(
      `${outer}PyTorch legacy`,
      readTorchLegacy(source, constructors, new Budget(source.length)),
    );
  const pickled = runPickle(source, { constructors }).value;
  return { ...torchTensors(`${outer}pickle`, pickled), pickled };
}
