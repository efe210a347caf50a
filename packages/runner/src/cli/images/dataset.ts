import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Crop, DataSetSummary, SourceImage, Transform } from '@fewstep/metrics/images';
import { RunnerError } from '../../errors.js';
import { openResults, shownPath } from '../reports/output.js';
import type { Answer } from '../terminal/answer.js';
import { imageProgress } from '../terminal/image-progress.js';
import { interruption } from '../terminal/interruption.js';
import { say, screen } from '../terminal/say.js';

export interface DatasetOptions {
  readonly maxImages?: number;
  readonly transform?: Crop;
  readonly resolution?: string;
  readonly resize?: keyof typeof filters;
}

/** By their words in the command: Pillow's box is an image's area where it shrinks by a whole factor. */
const filters = { lanczos: 'lanczos', area: 'box' } as const;

/**
 * `fewstep dataset SOURCE OUT.zip`: a set of images as EDM's dataset_tool.py makes it, whole or not at all.
 *
 * @throws RunnerError E_USAGE, E_RESULTS, E_INTERRUPTED (exit code 130); for the source MetricsError E_IMAGES, or what
 *   `readBatch` throws
 */
export async function dataset(
  source: string,
  out: string,
  options: DatasetOptions,
  answer: Answer,
): Promise<void> {
  const { most, transform } = parsed(options);
  const path = resolve(out);
  refuseOut(path);
  const [{ describeImage }, { dataSetZip, openSource }, { readBatch }] = await Promise.all([
    import('@fewstep/metrics'),
    import('@fewstep/metrics/images'),
    import('./cifar-batch.js'),
  ]);
  const { count: known = Number.POSITIVE_INFINITY, images } = await openSource(source, { readBatch });
  const results = await openResults(dirname(path), 'nothing of it is kept');
  const { signal, end } = interruption();
  const progress = imageProgress(screen(), shownPath(path), Math.min(known, most));
  let summary!: DataSetSummary;
  async function* bytes() {
    summary = yield* dataSetZip(first(most, images(), signal, progress.onImage), transform);
  }
  let file: string;
  try {
    file = await results.write(bytes(), basename(path));
  } finally {
    progress.end();
    end();
  }
  answer.object({ file, ...summary });
  const { images: count, width, height, labelled, leftOut } = summary;
  const small = leftOut > 0 ? `; ${leftOut} that are smaller are left out` : '';
  answer.line(
    `${file}: ${count} images, ${describeImage(summary)}, ${labelled ? 'with' : 'without'} labels${small}`,
  );
  if (width !== height || !Number.isInteger(Math.log2(width)))
    say("EDM's tools take no set but of square images, of a power of two: --resolution makes them so");
}

function parsed({
  maxImages: most = Number.POSITIVE_INFINITY,
  transform: crop,
  resolution,
  resize,
}: DatasetOptions): {
  readonly most: number;
  readonly transform?: Transform;
} {
  const wrong = (why: string) => new RunnerError('E_USAGE', why);
  if (resolution === undefined) {
    const needs = crop ? `--transform ${crop}` : resize && `--resize ${resize}`;
    if (needs) throw wrong(`${needs} needs to know to what size: add --resolution WxH, as 256x256`);
    return { most };
  }
  const [, width, height] = /^([1-9]\d{0,3})[x,]([1-9]\d{0,3})$/.exec(resolution)?.map(Number) ?? [];
  if (width === undefined || height === undefined || Math.max(width, height) > 4096)
    throw wrong(`--resolution ${resolution}: WxH in pixels up to 4096 is expected, as 256x256`);
  if (crop === 'center-crop-wide' && height > width)
    throw wrong(
      `--resolution ${resolution}: center-crop-wide makes images that are at least as wide as high`,
    );
  return {
    most,
    transform: { width, height, ...(crop && { crop }), ...(resize && { filter: filters[resize] }) },
  };
}

/** @throws RunnerError E_RESULTS where it is no zip's name, or something is there */
function refuseOut(path: string): void {
  const refused = (why: string) =>
    new RunnerError('E_RESULTS', `${shownPath(path)} ${why}; nothing was computed yet.`, {
      evidence: { path },
    });
  if (!/\.zip$/i.test(path)) throw refused('does not end with .zip, and a set is written as one');
  if (existsSync(path)) throw refused('is there already: remove it, or choose another name');
}

/** At most so many images, until it is told to end. @throws RunnerError E_INTERRUPTED */
async function* first(
  most: number,
  images: AsyncIterable<SourceImage>,
  signal: AbortSignal,
  onImage: () => void,
): AsyncGenerator<SourceImage, void> {
  let taken = 0;
  for await (const image of images) {
    if (signal.aborted)
      throw new RunnerError('E_INTERRUPTED', 'interrupted: nothing of the set is kept', { exitCode: 130 });
    yield image;
    onImage();
    if (++taken >= most) return;
  }
}
