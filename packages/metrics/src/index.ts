export type { CifarBatch, ReadBatch } from './data-set/cifar10.js';
export { type DataSetSummary, dataSetZip } from './data-set/data-set-zip.js';
export type { ImageSource, SourceImage } from './data-set/image-source.js';
export { openSource, type SourceOptions } from './data-set/source.js';
export type { Crop, Transform } from './data-set/transform.js';
export { type DoubleProducts, openDoubleProducts } from './double-products.js';
export { MetricsError, type MetricsErrorCode } from './errors.js';
export {
  type FeatureNetwork,
  type FeatureNetworkOptions,
  openFeatureNetwork,
} from './feature-network.js';
export type { FeatureSet } from './feature-set.js';
export { frechetDistance } from './frechet.js';
export { imageGrid } from './image-grid.js';
export { imagePath } from './image-names.js';
export { describeImage, type Image, type ImageBatch } from './images.js';
export { type Kid, type KidSubsets, kid, kidOverSubsets } from './kid.js';
export type { TimesTransposed } from './matrix.js';
export type { NpyArray, NpyData, NpyDtype } from './npy.js';
export { type Npz, readNpz, writeNpz } from './npz.js';
export { decodeImage, encodePng } from './png.js';
export { type Prdc, prdc } from './prdc.js';
export {
  countImages,
  type Label,
  type NamedImages,
  type ReadImagesOptions,
  readImages,
} from './read-images.js';
export { type ResizeFilter, resize } from './resize.js';
export { rmse, rmseOf } from './rmse.js';
export { readStatistics, type Statistics, statistics, writeStatistics } from './statistics.js';
