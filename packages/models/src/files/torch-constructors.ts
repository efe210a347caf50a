import {
  describe,
  type PickleConstructor,
  PickleGlobal,
  type PickleMachine,
  type PickleValue,
} from './pickle.js';
import { dtypeNamed } from './tensor.js';
import { TensorView, TorchStorage, tensorView } from './torch-storage.js';

const rebuildTensor: PickleConstructor = ([storage, offset, shape, stride, , , metadata], machine) => {
  refuseMetadata(metadata, machine);
  return tensorView(storage, offset, shape, stride, machine);
};

/** Types that have no storage class of their own come as bytes and a type. */
const rebuildTyped: PickleConstructor = ([storage, offset, shape, stride, , , type, metadata], machine) => {
  refuseMetadata(metadata, machine);
  const dtype = type instanceof PickleGlobal ? dtypeNamed('torch', `${type}`) : undefined;
  if (!dtype) throw machine.fault(`tensors of type ${describe(type)} are not read`);
  if (!(storage instanceof TorchStorage) || storage.dtype !== 'U8')
    throw machine.fault('a tensor with a type of its own is built on something that is no bytes');
  return tensorView(storage.as(dtype), offset, shape, stride, machine);
};

/** A negative or conjugate view has other values than its elements say. */
function refuseMetadata(metadata: PickleValue | undefined, machine: PickleMachine): void {
  if (metadata instanceof Map && [...metadata.values()].some((value) => value === true))
    throw machine.fault('a tensor that is a negative or conjugate view of its elements is not read');
}

const rebuildParameter: PickleConstructor = ([tensor], machine) => {
  if (!(tensor instanceof TensorView)) throw machine.fault(`a parameter is made of ${describe(tensor)}`);
  return tensor;
};

/** The shape of a tensor is a tuple of another name. */
const size: PickleConstructor = ([counts = []], machine) => {
  if (!Array.isArray(counts)) throw machine.fault(`a shape is made of ${describe(counts)}`);
  machine.spend(counts.length);
  return Object.freeze([...(counts as readonly PickleValue[])]);
};

/** Where a tensor was; here it is only a word. */
const device: PickleConstructor = ([name = null]) => name;

/** What tensors may call, by `module.name`. */
export const torchConstructors: readonly (readonly [string, PickleConstructor])[] = [
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_tensor_v3', rebuildTyped],
  ['torch._utils._rebuild_parameter', rebuildParameter],
  ['torch._utils._rebuild_parameter_with_state', rebuildParameter],
  ['torch.Size', size],
  ['torch.device', device],
];
