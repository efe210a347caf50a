import { numpyConstructors } from './numpy-constructors.js';
import {
  describe,
  type PickleConstructor,
  PickleGlobal,
  type PickleMachine,
  PickleObject,
  type PickleValue,
} from './pickle.js';
import { PickleText } from './pickle-text.js';
import { memorySource } from './source.js';
import { torchConstructors } from './torch-constructors.js';
import { readTorchLegacy } from './torch-legacy.js';

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

const set: PickleConstructor = ([items = []], machine) => {
  if (!Array.isArray(items) && !(items instanceof Set))
    throw machine.fault(`a set is made of ${describe(items)}`);
  machine.spend(items instanceof Set ? items.size : items.length);
  return new Set(items as Iterable<PickleValue>);
};

const orderedDict: PickleConstructor = ([items = []], machine) => {
  const isItem = (item: PickleValue) =>
    Array.isArray(item) && item.length === 2 && !(item[0] instanceof PickleText);
  if (!Array.isArray(items) || !items.every(isItem))
    throw machine.fault(`a dict is made of ${describe(items)}`);
  machine.spend(items.length);
  return new Map(items as unknown as Iterable<[PickleValue, PickleValue]>);
};

/** Protocols below 3 have no bytes: they write text and a call that encodes it. */
const encode: PickleConstructor = ([text, encoding], machine) => {
  if (!isText(text) || (encoding !== 'latin1' && encoding !== 'latin-1'))
    throw machine.fault(`bytes are made of ${describe(text)} in encoding ${describe(encoding)}`);
  machine.spend(text.length);
  if (text instanceof PickleText) return text.latin1();
  if (/[^\0-\xff]/.test(text))
    throw machine.fault(`${describe(text)} has characters that are none of latin-1`);
  return Uint8Array.from(Buffer.from(text, 'latin1'));
};

const isText = (value: PickleValue | undefined): value is string | PickleText =>
  typeof value === 'string' || value instanceof PickleText;

/** Of nothing, of bytes, or of text and its encoding. */
const bytes: PickleConstructor = (args, machine) => {
  const [from = new Uint8Array(0)] = args;
  if (isText(from)) return encode(args, machine);
  if (!(from instanceof Uint8Array)) throw machine.fault(`bytes are made of ${describe(from)}`);
  return from;
};

const loadFromBytes: PickleConstructor = ([bytes], machine) => {
  if (!(bytes instanceof Uint8Array)) throw machine.fault(`a storage is made of ${describe(bytes)}`);
  return readTorchLegacy(memorySource(bytes), constructors, machine.budget);
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

/** Modules of PyTorch itself, which hold others, weights, or nothing. */
const torchModules = new Map([
  instance('container', 'ModuleDict'),
  instance('container', 'ModuleList'),
  instance('container', 'Sequential'),
  instance('activation', 'Sigmoid'),
  instance('linear', 'Linear'),
  instance('pooling', 'AvgPool2d'),
  instance('pooling', 'MaxPool2d'),
]);

/** Protocols 0 and 1 make instances by this function, from class, base class and its state. */
const reconstructor: PickleConstructor = ([type], machine) => {
  const make = type instanceof PickleGlobal ? torchModules.get(`${type}`) : undefined;
  if (!make)
    throw machine.fault(`it would make ${describe(type)}`, {
      ...(type instanceof PickleGlobal && { global: `${type}` }),
    });
  return make([], machine);
};

/** Everything a checkpoint may call, by `module.name`. */
export const constructors: ReadonlyMap<string, PickleConstructor> = new Map<string, PickleConstructor>([
  ['collections.OrderedDict', orderedDict],
  // a dict whose keys are attributes, too, of the repositories that EDM's came from
  ['dnnlib.util.EasyDict', orderedDict],
  ['__builtin__.set', set],
  ['builtins.set', set],
  ['__builtin__.frozenset', set],
  ['builtins.frozenset', set],
  ['__builtin__.bytes', bytes],
  ['__builtin__.bytearray', bytes],
  ['builtins.bytearray', bytes],
  ['_codecs.encode', encode],
  ['copy_reg._reconstructor', reconstructor],
  ['copyreg._reconstructor', reconstructor],
  ...numpyConstructors,
  ...torchConstructors,
  ['torch.storage._load_from_bytes', loadFromBytes],
  ['torch_utils.persistence._reconstruct_persistent_obj', persistentObject],
  ...torchModules,
]);
