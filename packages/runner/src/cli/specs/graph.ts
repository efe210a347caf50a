import { basename, dirname, resolve } from 'node:path';
import { type Boxes, boxesOf, reduced } from '../../graph/boxes.js';
import { type Outlook, outlook } from '../../graph/outlook.js';
import { jsonText } from '../../judging/shown.js';
import { openResults } from '../reports/output.js';
import { type CacheOption, openWorld, type StoreOptions } from '../run/world.js';
import type { Answer } from '../terminal/answer.js';
import { type Changes, readExperiments } from './experiments.js';

export interface GraphOptions extends Changes, StoreOptions, CacheOption {
  /** By default svg. */
  readonly format?: 'svg' | 'mermaid' | 'json';
  readonly out?: string;
  readonly json?: boolean;
}

/** So many boxes of a kind, and in all, are a picture that people read. */
const [mostOfKind, mostDrawn] = [8, 24];

/** Kinds of which there is more are one box each; of what is too many still, every kind is. */
function drawable(planned: Outlook): Boxes {
  const boxes = boxesOf(planned, mostOfKind);
  return reduced(boxes.boxes.length > mostDrawn ? boxesOf(planned, 1) : boxes);
}

/** `fewstep graph SPEC`: the tasks of an experiment, what needs what, where each is and what it costs. */
export async function graph(spec: string, options: GraphOptions, answer: Answer): Promise<void> {
  const [experiment] = await readExperiments([spec], options);
  const { name } = experiment!;
  const planned = await outlook(experiment!, await openWorld(options, spec));
  const all = { name, ...boxesOf(planned) };
  const { format = 'svg', out } = options;
  const drawn = async (): Promise<string> => {
    if (format === 'json') return `${jsonText(all, 2)}\n`;
    const boxes = drawable(planned);
    if (format === 'mermaid') return (await import('./graph-mermaid.js')).mermaidOf(boxes);
    return (await import('./graph-svg.js')).svgOf(boxes, name);
  };
  if (out === undefined) {
    answer.object(all);
    if (!options.json) answer.data(await drawn());
    return;
  }
  const results = await openResults(dirname(resolve(out)));
  const file = await results.write(await drawn(), basename(out));
  answer.object({ ...all, file });
  answer.line(`${name}: ${file}`);
}
