import {
  describe,
  type PickleConstructor,
  PickleGlobal,
  type PickleMachine,
  PickleObject,
  type PickleValue,
} from './pickle.js';
import { bytesPerElement, type Dtype, isDtype, toNumbers } from './tensor.js';
import { readTorchLegacy } from './torch-legacy.js';
import { TensorView, TorchStorage, tensorView } from './torch-storage.js';

/** An instance of a class that is only data here: a module of a network with its attributes. */
export class PythonInstance extends PickleObject {
  state: ReadonlyMap<PickleValue, PickleValue> = new Map();

  constructor(readonly className: string) {
    super();
  }

  setState(state: PickleValue, machine: PickleMachine): void {
    if (!(state instanceof Map))
      throw machine.fault(`the state of a ${this.className} is ${describe(state)}, no dict`);
    this.state = state;
  }
}

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
class NumpyArray extends PickleObject {
  view: TensorView | undefined;

  setState(state: PickleValue, machine: PickleMachine): void {
    const [, shape, type, fortran, data] = Array.isArray(state) ? (state as readonly PickleValue[]) : [];
    if (!Array.isArray(shape))
      throw machine.fault('the state of an array is no (version, shape, dtype, order, data)');
    const sizes = shape as readonly number[];
    const strides = (rest: (d: number) => readonly number[]) =>
      sizes.map((_, d) => rest(d).reduce((p, n) => p * n, 1));
    this.view = tensorView(
      numpyStorage(type, data, machine),
      0,
      sizes,
      fortran ? strides((d) => sizes.slice(0, d)) : strides((d) => sizes.slice(d + 1)),
      machine,
    );
  }
}

function numpyStorage(type: PickleValue | undefined, data: PickleValue | undefined, machine: PickleMachine) {
  if (!(type instanceof NumpyDtype) || !(data instanceof Uint8Array))
    throw machine.fault('numpy data needs a dtype and bytes; arrays of objects are not read');
  if (type.bigEndian) throw machine.fault('big-endian numpy data is not read');
  return new TorchStorage(type.dtype, Math.floor(data.length / bytesPerElement(type.dtype)), () => data);
}

const numpyDtype: PickleConstructor = ([code], machine) => {
  const [, kind, width] = /^([fiub])(\d)$/.exec(String(code)) ?? [];
  const dtype = kind === 'b' ? 'BOOL' : `${kind?.toUpperCase()}${8 * Number(width)}`;
  if (!isDtype(dtype)) throw machine.fault(`numpy's dtype ${describe(code ?? null)} is not read`);
  return new NumpyDtype(dtype);
};

const numpyScalar: PickleConstructor = ([type, data], machine) => {
  const storage = numpyStorage(type, data, machine);
  if (storage.length !== 1) throw machine.fault(`a numpy scalar has ${storage.length} elements`);
  const tensor = tensorView(storage, 0, [], [], machine).tensor();
  if (tensor.dtype === 'BOOL') return tensor.data[0] !== 0;
  return toNumbers(tensor)[0]!;
};

const numpyArray: PickleConstructor = ([type], machine) => {
  if (!(type instanceof PickleGlobal) || type.toString() !== 'numpy.ndarray')
    throw machine.fault(`an array of ${describe(type ?? null)} is not read`);
  return new NumpyArray();
};

const set: PickleConstructor = ([items = []], machine) => {
  if (!Array.isArray(items) && !(items instanceof Set))
    throw machine.fault(`a set is made of ${describe(items)}`);
  machine.spend(items instanceof Set ? items.size : items.length);
  return new Set(items as Iterable<PickleValue>);
};

const orderedDict: PickleConstructor = ([items = []], machine) => {
  if (!Array.isArray(items) || !items.every((item) => Array.isArray(item) && item.length === 2))
    throw machine.fault(`a dict is made of ${describe(items)}`);
  machine.spend(items.length);
  return new Map(items as unknown as Iterable<[PickleValue, PickleValue]>);
};

/** Protocols below 3 have no bytes: they write text and a call that encodes it. */
const encode: PickleConstructor = ([text, encoding], machine) => {
  if (typeof text !== 'string' || !/^latin-?1$/.test(String(encoding)))
    throw machine.fault(
      `bytes are made of ${describe(text ?? null)} in encoding ${describe(encoding ?? null)}`,
    );
  machine.spend(text.length);
  return Uint8Array.from(Buffer.from(text, 'latin1'));
};

const noBytes: PickleConstructor = (args, machine) => {
  if (args.length > 0) throw machine.fault(`bytes are made of ${describe(args[0]!)}`);
  return new Uint8Array(0);
};

const rebuildTensor: PickleConstructor = ([storage, offset, shape, stride], machine) =>
  tensorView(storage, offset, shape, stride, machine);

const rebuildParameter: PickleConstructor = ([tensor], machine) => {
  if (!(tensor instanceof TensorView))
    throw machine.fault(`a parameter is made of ${describe(tensor ?? null)}`);
  return tensor;
};

const loadFromBytes: PickleConstructor = ([bytes], machine) => {
  if (!(bytes instanceof Uint8Array)) throw machine.fault(`a storage is made of ${describe(bytes ?? null)}`);
  return readTorchLegacy(bytes, constructors, machine.budget);
};

/** EDM's networks carry their own source text; it is neither run nor looked at. */
const persistentObject: PickleConstructor = ([meta], machine) => {
  const name = meta instanceof Map && meta.get('type') === 'class' ? meta.get('class_name') : undefined;
  if (typeof name !== 'string') throw machine.fault('a persistent object needs a class name');
  const instance = new PythonInstance(name);
  instance.setState((meta as Map<PickleValue, PickleValue>).get('state') ?? null, machine);
  return instance;
};

const instance = (file: string, className: string): [string, PickleConstructor] => [
  `torch.nn.modules.${file}.${className}`,
  () => new PythonInstance(className),
];

/** Modules of PyTorch itself that hold others, or nothing. */
const torchModules = new Map([
  instance('container', 'ModuleDict'),
  instance('container', 'ModuleList'),
  instance('container', 'Sequential'),
  instance('activation', 'Sigmoid'),
]);

/** Protocols 0 and 1 make instances by this function, from class, base class and its state. */
const reconstructor: PickleConstructor = ([type], machine) => {
  const make = torchModules.get(String(type));
  if (!make) throw machine.fault(`it would make ${describe(type ?? null)}`, { global: String(type) });
  return make([], machine);
};

/** Everything a checkpoint may call, by `module.name`. */
export const constructors: ReadonlyMap<string, PickleConstructor> = new Map<string, PickleConstructor>([
  ['collections.OrderedDict', orderedDict],
  ['__builtin__.set', set],
  ['builtins.set', set],
  ['__builtin__.frozenset', set],
  ['builtins.frozenset', set],
  ['__builtin__.bytes', noBytes],
  ['_codecs.encode', encode],
  ['copy_reg._reconstructor', reconstructor],
  ['copyreg._reconstructor', reconstructor],
  ['numpy.dtype', numpyDtype],
  ['numpy.core.multiarray.scalar', numpyScalar],
  ['numpy._core.multiarray.scalar', numpyScalar],
  ['numpy.core.multiarray._reconstruct', numpyArray],
  ['numpy._core.multiarray._reconstruct', numpyArray],
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_parameter', rebuildParameter],
  ['torch.storage._load_from_bytes', loadFromBytes],
  ['torch_utils.persistence._reconstruct_persistent_obj', persistentObject],
  ...torchModules,
]);
