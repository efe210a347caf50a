import type { PythonInstance } from '../files/constructors.js';
import { moduleWeights } from '../files/module-tensors.js';
import type { PickleValue } from '../files/pickle.js';
import { memorySource, type Source } from '../files/source.js';
import { type Tensor, toFloat32 } from '../files/tensor.js';
import { faultOf, ofSavedModule, type PickledModule, readModule } from './pickled-module.js';
import { integer, number, type Rule, settle } from './settings.js';

/** What a predictor was trained with, under the official names. Names of methods, schedules and data are labels here. */
export interface OfficialPredictorSettings {
  readonly dataset_name: string | null;
  readonly img_resolution: number | null;
  readonly num_steps: number;
  readonly sampler_stu: string;
  readonly sampler_tea: string;
  readonly M: number;
  readonly schedule_type: string;
  readonly schedule_rho: number;
  readonly afs: boolean;
  /** How far the scales may leave 1; 0: never. */
  readonly scale_dir: number;
  readonly scale_time: number;
  readonly max_order: number | null;
  readonly predict_x0: boolean;
  readonly lower_order_final: boolean;
  readonly guidance_type: string | null;
  readonly guidance_rate: number | null;
}

/** A predictor as the official training of AMED-Solver leaves it. */
export interface OfficialPredictor {
  readonly settings: OfficialPredictorSettings;
  /** By the official names, float32. Whether they are those that the settings ask for is for the solver to say. */
  readonly weights: Readonly<Record<string, Extract<Tensor, { dtype: 'F32' }>>>;
}

/**
 * Reads a predictor that the official training of AMED-Solver wrote (`network-snapshot-….pkl`): a pickle of a dict whose
 * `model` is an `AMED_predictor`; or `torch.save` did (`network-snapshot-….pt`). Nothing in it is executed, neither its
 * source text nor its `loss_fn` is looked at.
 *
 * Files of the first official release have no `scale_dir`, and `scale_time` is true or false: the scales' ranges were
 * fixed then, to 1 ± 0.01 (± 0.05 for dpmpp with predict_x0) and 1 ± 0.2, and are given as such.
 *
 * Source: arXiv:2312.00094, and the files published with it.
 * @throws ModelError `E_CHECKPOINT` that says what the file is and lists every setting that is missing or wrong; its
 * cause is the reader's error, where there is one.
 */
export async function readOfficialPredictor(path: string): Promise<OfficialPredictor> {
  return readModule(path, parse);
}

/** The same from bytes in memory. @throws as `readOfficialPredictor`. */
export const parseOfficialPredictor = (bytes: Uint8Array): Promise<OfficialPredictor> =>
  parse(memorySource(bytes));

const parse = (source: Source): Promise<OfficialPredictor> => ofSavedModule(source, official, predictorOf);

function predictorOf(model: PythonInstance): OfficialPredictor {
  const settings = settingsOf(model.state);
  const weights = Object.entries(moduleWeights(model)).map(([name, tensor]) => [
    name,
    { dtype: 'F32', shape: tensor.shape, data: toFloat32(tensor) },
  ]);
  return { settings, weights: Object.fromEntries(weights) };
}

const official: PickledModule = {
  what: 'predictor',
  key: 'model',
  classes: ['AMED_predictor'],
  holds: 'its model is',
  expected:
    'A predictor of the official AMED-Solver is expected: a pickle of a dict whose "model" is an AMED_predictor',
};

const text: Rule<string> = {
  parse: (value) => (typeof value === 'string' && /^\w{1,100}$/.test(value) ? value : undefined),
  words: 'a name',
};
const flag: Rule<boolean> = {
  parse: (value) => (typeof value === 'boolean' ? value : undefined),
  words: 'True or False',
};
const orNone = <V>({ parse, words }: Rule<V>): Rule<V | null> => ({
  parse: (value) => (value === null ? null : parse(value)),
  words: `${words} or None`,
});

// The bounds lie far beyond any predictor there is.
const rules: { readonly [K in keyof OfficialPredictorSettings]: Rule<OfficialPredictorSettings[K]> } = {
  dataset_name: orNone(text),
  img_resolution: orNone(integer(1, 65_536)),
  num_steps: integer(2, 1001),
  sampler_stu: text,
  sampler_tea: text,
  M: integer(0, 1000),
  schedule_type: text,
  schedule_rho: number(0, 1000),
  afs: flag,
  scale_dir: number(0, 1),
  scale_time: number(0, 1),
  max_order: orNone(integer(1, 10)),
  predict_x0: flag,
  lower_order_final: flag,
  guidance_type: orNone(text),
  guidance_rate: orNone(number(0, 1000)),
};

/** The settings among a module's attributes. @throws ModelError `E_CHECKPOINT` with the list `problems` in `evidence` */
function settingsOf(state: ReadonlyMap<PickleValue, PickleValue>): OfficialPredictorSettings {
  const { settled, problems } = settle(rules, state.has('scale_dir') ? state : withFixedScales(state));
  if (problems.length > 0)
    throw faultOf(official)(`its settings are not understood: ${problems.join('; ')}`, { problems });
  return settled as unknown as OfficialPredictorSettings;
}

/** A predictor of the first release, with its fixed ranges told as those since then. */
function withFixedScales(
  state: ReadonlyMap<PickleValue, PickleValue>,
): ReadonlyMap<PickleValue, PickleValue> {
  const scalesTime = state.get('scale_time');
  if (typeof scalesTime !== 'boolean') return state;
  const wide = state.get('sampler_stu') === 'dpmpp' && state.get('predict_x0') === true;
  return new Map([...state, ['scale_dir', wide ? 0.05 : 0.01], ['scale_time', scalesTime ? 0.2 : 0]]);
}
