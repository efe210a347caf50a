import { imageFault } from './errors.js';

/** What systems leave beside images: names that begin with a dot, thumbnails, resource forks. */
const leftBySystems = /^(\.|@eaDir$|__MACOSX$)/;

/**
 * Which files of a set are images, in their order: PNG, JPEG, WebP, GIF, TIFF and AVIF by their endings; which are images
 * of a kind that isn't read; and which have their labels, `dataset.json` beside the folders that it names. Reads nothing,
 * and loads nothing that reads.
 *
 * - `names`: of files within the set, `/` between folders.
 */
export function imageNames(names: readonly string[]) {
  const visible = names.filter((name) => !name.split('/').some((part) => leftBySystems.test(part))).sort();
  return {
    images: visible.filter((name) => /\.(png|jpe?g|jfif|webp|gif|tiff?|avif)$/i.test(name)),
    others: visible.filter((name) =>
      /\.(bmp|dib|p[bgpn]m|tga|hei[cf]|jp2|jxl|ico|psd|exr|hdr|svg|qoi|raw)$/i.test(name),
    ),
    labelFiles: visible.filter((name) => /(^|\/)dataset\.json$/.test(name)),
  };
}

/** Where the official sampler puts the image of a seed: `000000/000017.png`, or `000017.png` without folders of thousands. */
export function imagePath(seed: number, { subdirs = true }: { readonly subdirs?: boolean } = {}): string {
  if (!(Number.isSafeInteger(seed) && seed >= 0))
    throw imageFault(`a seed is a whole number from 0, not ${seed}`, { seed });
  const digits = (value: number) => String(value).padStart(6, '0');
  return `${subdirs ? `${digits(seed - (seed % 1000))}/` : ''}${digits(seed)}.png`;
}
