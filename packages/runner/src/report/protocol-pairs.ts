import { deviceText } from './notes.js';
import type { Protocol } from './protocol.js';

type Pair = readonly [name: string, text: string];

/**
 * A protocol as people read it, a name and a text each: what figures depend on beside the sampler, whose own evaluations,
 * predictor and table are told elsewhere. Digests are cut, for nobody compares all of one by eye.
 */
export function protocolPairs(protocol: Protocol): Pair[] {
  const { seeds, images, repeats, rng, classes, prompts, guidance, thresholding, model, dtype } = protocol;
  const told = {
    seeds,
    images,
    repeats,
    rng,
    classes,
    prompts,
    guidance,
    thresholding,
    model,
    numbers: dtype,
  };
  return [
    ...Object.entries(told).flatMap(([name, value]): Pair[] =>
      value === undefined ? [] : [[name, textOf(value)]],
    ),
    ...Object.entries(protocol.devices).map(
      ([what, used]): Pair => [`device of ${what}`, used.map(({ device }) => deviceText(device)).join(', ')],
    ),
    ['versions', textOf(protocol.versions)],
    ...Object.entries(protocol.scores).flatMap(([score, { params, features, reference, files }]): Pair[] => [
      ...(params === undefined ? [] : [[score, textOf(params)] as const]),
      ...(features ? [[`${score}: features`, textOf(features)] as const] : []),
      ...(reference ? [[`${score}: against`, textOf(reference)] as const] : []),
      ...Object.entries(files ?? {}).map(([name, file]): Pair => [`${score}: ${name}`, textOf(file)]),
    ]),
  ];
}

const digest = /^(?:sha256[:-])?([0-9a-f]{12})[0-9a-f]{52}$/;

/** On one line: `type heun, steps 18`. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return digest.exec(value)?.[1] ?? value;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return value.map(textOf).join(' ');
  return Object.entries(value)
    .map(([key, one]) => {
      const text = textOf(one);
      if (key === 'file') return text;
      return `${key} ${typeof one === 'object' && one !== null ? `{ ${text} }` : text}`;
    })
    .join(', ');
}
