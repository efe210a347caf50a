import {
  describe,
  narrow,
  type PickleConstructor,
  PickleGlobal,
  type PickleMachine,
  PickleObject,
  type PickleValue,
} from './pickle.js';
import { bytesPerElement, type Dtype, dtypeNamed, isShape, sizeOf, toNumbers } from './tensor.js';
import { type TensorView, TorchStorage, tensorView } from './torch-storage.js';

class NumpyDtype extends PickleObject {
  bigEndian = false;

  constructor(readonly dtype: Dtype) {
    super();
  }

  setState(state: PickleValue): void {
    this.bigEndian = Array.isArray(state) && state[1] === '>';
  }
}

/** A numpy array; empty until its state is set. */
export class NumpyArray extends PickleObject {
  view: TensorView | undefined;

  setState(state: PickleValue, machine: PickleMachine): void {
    const [, shape, type, fortran, data] = Array.isArray(state) ? (state as readonly PickleValue[]) : [];
    this.fill(numpyStorage(type, data, machine), shape, fortran === true, machine);
  }

  fill(
    storage: TorchStorage,
    shape: PickleValue | undefined,
    fortran: boolean,
    machine: PickleMachine,
  ): this {
    if (!isShape(shape)) throw machine.fault('an array needs a shape of counts');
    const stride = shape.map((_, d) => sizeOf(fortran ? shape.slice(0, d) : shape.slice(d + 1)));
    this.view = tensorView(storage, 0, shape, stride, machine);
    if (sizeOf(shape) !== storage.length)
      throw machine.fault(`an array [${shape}] is made of ${storage.length} elements`);
    return this;
  }
}

function numpyStorage(type: PickleValue | undefined, given: PickleValue | undefined, machine: PickleMachine) {
  const data = typeof given === 'string' ? bytesOf(given, machine) : given;
  if (!(type instanceof NumpyDtype) || !(data instanceof Uint8Array))
    throw machine.fault('numpy data needs a dtype and bytes; arrays of objects are not read');
  if (type.bigEndian) throw machine.fault('big-endian numpy data is not read');
  const length = data.length / bytesPerElement(type.dtype);
  if (!Number.isInteger(length))
    throw machine.fault(`${data.length} bytes are no whole number of ${type.dtype}`);
  return new TorchStorage(type.dtype, length, () => data);
}

/** Python 2 writes bytes as text, a character each, and marks it as no other; nothing for text that is none of latin-1. */
function bytesOf(text: string, machine: PickleMachine): Uint8Array | undefined {
  machine.spend(text.length);
  return /[^\0-\xff]/.test(text) ? undefined : Buffer.from(text, 'latin1');
}

const numpyDtype: PickleConstructor = ([code], machine) => {
  const dtype = typeof code === 'string' ? dtypeNamed('numpy', code) : undefined;
  if (!dtype) throw machine.fault(`numpy's dtype ${describe(code)} is not read`);
  return new NumpyDtype(dtype);
};

const numpyScalar: PickleConstructor = ([type, data], machine) => {
  const storage = numpyStorage(type, data, machine);
  if (storage.length !== 1) throw machine.fault(`a numpy scalar has ${storage.length} elements`);
  const tensor = tensorView(storage, 0, [], [], machine).tensor();
  if (tensor.dtype === 'BOOL') return tensor.data[0] !== 0;
  const value = toNumbers(tensor)[0]!;
  return typeof value === 'bigint' ? narrow(value) : value;
};

const numpyArray: PickleConstructor = ([type], machine) => {
  if (!(type instanceof PickleGlobal) || type.toString() !== 'numpy.ndarray')
    throw machine.fault(`an array of ${describe(type)} is not read`);
  return new NumpyArray();
};

/** Protocol 5 writes arrays as their bytes, dtype, shape and order. */
const fromBuffer: PickleConstructor = ([data, type, shape, order], machine) =>
  new NumpyArray().fill(numpyStorage(type, data, machine), shape, order === 'F', machine);

/** What numpy's data may call, by `module.name`; `numpy._core` since numpy 2. */
export const numpyConstructors: readonly (readonly [string, PickleConstructor])[] = [
  ['numpy.dtype', numpyDtype],
  ...['numpy.core', 'numpy._core'].flatMap((core): [string, PickleConstructor][] => [
    [`${core}.multiarray.scalar`, numpyScalar],
    [`${core}.multiarray._reconstruct`, numpyArray],
    [`${core}.numeric._frombuffer`, fromBuffer],
  ]),
];
