import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { edmWeightShapes, type PickleValue } from '@fewstep/models';
import type { Golden } from './golden.js';
import { type Outcome, outcome } from './topic.js';

/** Lists of EDM's published checkpoints: every key has its place with that shape, and none is left on either side. */
export async function edmKeyLists(golden: Golden, paths: readonly string[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const path of paths) {
    const list = JSON.parse(gunzipSync(await readFile(join(golden.folder, path))).toString());
    if (list.class === 'EDMPrecond')
      outcomes.push(await outcome(path, () => differenceOf(list.options, list.state_dict)));
  }
  return outcomes;
}

function differenceOf(
  { model_type, img_channels, use_fp16: _, ...rest }: Readonly<Record<string, PickleValue>>,
  listed: Readonly<Record<string, readonly number[]>>,
): string | undefined {
  const channels = { in_channels: img_channels!, out_channels: img_channels! };
  const options = new Map<PickleValue, PickleValue>(Object.entries({ ...rest, ...channels }));
  const shapes = edmWeightShapes(String(model_type), options);
  const asked = new Map([...shapes].map(([name, shape]) => [`model.${name}`, `${shape}`]));
  const wrong = Object.entries(listed).filter(([name, shape]) => asked.get(name) !== `${shape}`);
  const left = [...asked.keys()].filter((name) => !Object.hasOwn(listed, name));
  return wrong.length + left.length === 0
    ? undefined
    : `without place: ${wrong.map(([name, shape]) => `${name} [${shape}]`)}; not listed: ${left}`;
}
