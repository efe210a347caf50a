export type { CifarBatch, ReadBatch } from './data-set/cifar10.js';
export { type DataSetSummary, dataSetZip } from './data-set/data-set-zip.js';
export type { ImageSource, SourceImage } from './data-set/image-source.js';
export { openSource, type SourceOptions } from './data-set/source.js';
export type { Crop, Transform } from './data-set/transform.js';
export { decodeImage, encodePng, encodeWebp } from './png.js';
export {
  countImages,
  type Label,
  listImages,
  type NamedImages,
  type ReadImagesOptions,
  readImages,
} from './read-images.js';
