import type { ReadBatch } from '@fewstep/metrics/images';
import { ModelError, NumpyArray, readPickle } from '@fewstep/models';
import { RunnerError } from '../../errors.js';

/**
 * A batch of CIFAR-10 for Python: a pickle of a dict whose `data` is an array [n × 3072] of bytes and `labels` a list.
 * Nothing in it is executed.
 *
 * @throws RunnerError E_FILE where it is another pickle; ModelError where it is none, or calls what it need not
 */
export const readBatch: ReadBatch = (pickle, name) => {
  const value = read(pickle, name);
  const [data, labels] = value instanceof Map ? ['data', 'labels'].map((key) => value.get(key)) : [];
  const array = data instanceof NumpyArray ? data.view : undefined;
  if (
    array?.storage.dtype !== 'U8' ||
    !Array.isArray(labels) ||
    !labels.every((one) => typeof one === 'number')
  )
    throw new RunnerError(
      'E_FILE',
      `${name}: is no batch of CIFAR-10, a dict of data, an array of bytes, and labels, a list of classes`,
      { evidence: { file: name } },
    );
  return { data: array.tensor().data as Uint8Array, labels };
};

function read(pickle: Uint8Array, name: string) {
  try {
    return readPickle(pickle);
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    throw new ModelError(
      cause.code,
      `${name}: ${cause.message}`,
      { ...cause.evidence, file: name },
      { cause },
    );
  }
}
