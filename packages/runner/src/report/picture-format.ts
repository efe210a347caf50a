/** What pictures are written as; WebP is without loss. */
export type PictureFormat = 'png' | 'webp';

/** WebP has no picture that is longer or wider. */
const mostWebp = 16_383;

/** What a picture is written as: as asked for, where it may be that large, else PNG. */
export const formatOf = (
  { width, height }: { readonly width: number; readonly height: number },
  asked: PictureFormat,
): PictureFormat => (Math.max(width, height) > mostWebp ? 'png' : asked);
