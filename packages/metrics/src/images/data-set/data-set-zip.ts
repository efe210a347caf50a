import { imageFault } from '../../errors.js';
import { describeImage, type Image } from '../images.js';
import { encodePng } from '../png.js';
import type { Label } from '../read-images.js';
import { ahead } from './ahead.js';
import type { SourceImage } from './image-source.js';
import { type StoredFile, storedZip } from './stored-zip.js';
import { type Transform, transformer } from './transform.js';

/** What a set became. */
export interface DataSetSummary {
  readonly images: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Whether all images have labels; else none is told. */
  readonly labelled: boolean;
  /** Images that a crop left out. */
  readonly leftOut: number;
}

/**
 * The bytes of a data set as EDM has them: a zip that packs nothing, of images `00000/img00000000.png`, PNG that pack
 * nothing, grey or RGB, numbered as they come (those that a crop leaves out, too), and `dataset.json`, `{"labels":
 * [["00000/img00000000.png", 6], …]}`, or null where not all have labels. An image at a time is held. The same images
 * give the same bytes, under the same version of `sharp`.
 *
 * @returns what it became, in the end
 * @throws MetricsError E_IMAGES naming the image that is of another size or colour than the first; where none is left
 */
export async function* dataSetZip(
  images: AsyncIterable<SourceImage>,
  transform?: Transform,
): AsyncGenerator<Uint8Array, DataSetSummary> {
  const transformed = transformer(transform);
  const labels: [string, Label][] = [];
  let first: Image | undefined;
  let count = 0;
  let index = 0;
  async function* chosen() {
    for await (const { name, image: source, label } of images) {
      const digits = String(index++).padStart(8, '0');
      const image = transformed(source);
      if (image === undefined) continue;
      first ??= image;
      if (image.channels !== first.channels || image.height !== first.height || image.width !== first.width)
        throw imageFault(
          `${name}: would be ${describeImage(image)}, and the first image is ${describeImage(first)}; a set has one size and colour: give a resolution, with a crop where colours differ, or move it away`,
          { image: name, found: describeImage(image), expected: describeImage(first) },
        );
      const file = `${digits.slice(0, 5)}/img${digits}.png`;
      if (label !== undefined) labels.push([file, label]);
      count++;
      yield { name: file, image };
    }
  }
  async function* files(): AsyncGenerator<StoredFile, void> {
    yield* ahead(chosen(), async ({ name, image }) => ({
      name,
      data: await encodePng(image, { packed: false }),
    }));
    const told = { labels: count > 0 && labels.length === count ? labels : null };
    yield { name: 'dataset.json', data: Buffer.from(JSON.stringify(told)) };
  }
  yield* storedZip(files());
  if (first === undefined)
    throw imageFault(
      index === 0
        ? 'a set of no images was asked for'
        : `all ${index} images are smaller than what center-crop-wide makes of them, and it leaves such out`,
      { images: index },
    );
  const { channels, height, width } = first;
  const labelled = labels.length === count;
  return { images: count, channels, height, width, labelled, leftOut: index - count };
}
