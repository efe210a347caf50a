import type { ReadBatch } from '@fewstep/metrics';
import { ModelError, NumpyArray, readPickle } from '@fewstep/models';

/**
 * A batch of CIFAR-10 for Python: a pickle of a dict whose `data` is an array [n × 3072] of bytes and `labels` a list.
 * Nothing in it is executed.
 *
 * @throws ModelError E_PICKLE where it is no such pickle
 */
export const readBatch: ReadBatch = (pickle, name) => {
  const fail = (why: string, cause?: ModelError) =>
    new ModelError('E_PICKLE', `${name}: ${why}`, { ...cause?.evidence, file: name }, { cause });
  const value = read(pickle, fail);
  const [data, labels] = value instanceof Map ? ['data', 'labels'].map((key) => value.get(key)) : [];
  const array = data instanceof NumpyArray ? data.view : undefined;
  if (
    array?.storage.dtype !== 'U8' ||
    !Array.isArray(labels) ||
    !labels.every((one) => typeof one === 'number')
  )
    throw fail('is no batch of CIFAR-10, a dict of an array of bytes, data, and a list of classes, labels');
  return { data: array.tensor().data as Uint8Array, labels };
};

function read(pickle: Uint8Array, fail: (why: string, cause: ModelError) => ModelError) {
  try {
    return readPickle(pickle);
  } catch (cause) {
    throw cause instanceof ModelError ? fail(cause.message, cause) : cause;
  }
}
