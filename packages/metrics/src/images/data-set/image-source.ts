import type { Image } from '../images.js';
import type { Label } from '../read-images.js';

/** An image to make a set of. `name`: how errors call it. */
export interface SourceImage {
  readonly name: string;
  readonly image: Image;
  readonly label?: Label;
}

/** Images to make a set of, in their order. */
export interface ImageSource {
  /** How many, where that is known before they are read. */
  readonly count?: number;
  /** An image at a time, once. @throws MetricsError E_IMAGES naming the one that can't be read */
  images(): AsyncGenerator<SourceImage, void>;
}
