import type { ActionRecord, Json } from '@fewstep/taskgraph';

/**
 * Whether a record is from the kind of device that a word of `--device` names: which GPUs of a kind is left open, and of an
 * engine with several targets each is a kind.
 */
export function sameDevice(word: string): (record: ActionRecord) => boolean {
  const [type = ''] = word.split(':');
  const kind = numbered.includes(type) ? type : word;
  return ({ provenance }) => kindOf(provenance.device) === kind;
}

/** Kinds whose devices have numbers behind the word. */
const numbered = ['cuda', 'tensorrt'];

/** The word of a record's device, without numbers. */
function kindOf(device: Json): unknown {
  const { type, name, target } = (device ?? {}) as Readonly<Record<string, Json>>;
  if (type !== 'engine') return type;
  return typeof target === 'string' ? `${name}:${target}` : name;
}
