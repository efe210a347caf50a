import {
  describe,
  type PickleConstructor,
  type PickleMachine,
  PickleObject,
  type PickleOptions,
  type PickleValue,
} from './pickle.js';

/** A module of a TorchScript program: its attributes, parameters and modules within among them. */
export class ScriptModule extends PickleObject {
  attributes: ReadonlyMap<PickleValue, PickleValue> = new Map();

  setState(state: PickleValue, machine: PickleMachine): void {
    if (!(state instanceof Map)) throw machine.fault(`the state of a module is ${describe(state)}, no dict`);
    this.attributes = state;
  }
}

/** A list of one type, or a value and its type. */
const untyped: PickleConstructor = ([value = null]) => value;

const others: ReadonlyMap<string, PickleConstructor> = new Map(
  ['build_intlist', 'build_doublelist', 'build_boollist', 'build_tensorlist', 'restore_type_tag'].map(
    (name) => [`torch.jit._pickle.${name}`, untyped] as const,
  ),
);

/** The program's own classes, whatever their names: none of their code is looked at. */
const OWN = '__torch__.';

/** Constructors, and what TorchScript's pickles call besides. */
export const withScriptModules = (
  constructors: PickleOptions['constructors'],
): PickleOptions['constructors'] => ({
  get: (name) =>
    name.startsWith(OWN) ? () => new ScriptModule() : (others.get(name) ?? constructors.get(name)),
});
