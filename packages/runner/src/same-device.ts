import type { ActionRecord, Json } from '@fewstep/taskgraph';

/**
 * Whether a record is from the kind of one of these devices: which GPUs of a kind is left open, and of an engine with
 * several targets each is a kind.
 */
export function sameDevice(devices: readonly Json[]): (record: ActionRecord) => boolean {
  const kinds = new Set(devices.map(kindOf));
  return ({ provenance }) => kinds.has(kindOf(provenance.device));
}

/** The kind of a device as it is in a record. */
function kindOf(device: Json): unknown {
  const { type, name, target } = (device ?? {}) as Readonly<Record<string, Json>>;
  if (type !== 'engine') return type;
  return typeof target === 'string' ? `${name}:${target}` : name;
}
