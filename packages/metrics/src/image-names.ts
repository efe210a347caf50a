/** What systems leave beside images: names that begin with a dot, thumbnails, resource forks. */
const leftBySystems = /^(\.|@eaDir$|__MACOSX$)/;

/**
 * Which files of a set are images, in their order, and which have their labels, `dataset.json` beside the folders that it
 * names: PNG, JPEG, WebP, GIF, TIFF and AVIF by their endings. Reads
 * nothing, and loads nothing that reads.
 *
 * - `names`: of files within the set, `/` between folders.
 */
export function imageNames(names: readonly string[]) {
  const visible = names.filter((name) => !name.split('/').some((part) => leftBySystems.test(part))).sort();
  return {
    images: visible.filter((name) => /\.(png|jpe?g|webp|gif|tiff?|avif)$/i.test(name)),
    labelFiles: visible.filter((name) => /(^|\/)dataset\.json$/.test(name)),
  };
}
