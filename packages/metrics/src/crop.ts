import type { Image } from './images/images.js';

/** A part of an image, `width` × `height` pixels from `left` and `top` on. */
export function cropped(
  { data, channels, height: rows, width: columns }: Image,
  left: number,
  top: number,
  width: number,
  height: number,
): Image {
  const cut = new Uint8Array(channels * height * width);
  for (let row = 0; row < channels * height; row++) {
    const from = (Math.floor(row / height) * rows + top + (row % height)) * columns + left;
    cut.set(data.subarray(from, from + width), row * width);
  }
  return { data: cut, channels, height, width };
}

/** To the nearest whole number, halves to the even one, as Python and numpy round. */
export function roundedEven(x: number): number {
  const nearest = Math.round(x);
  return x % 1 === 0.5 && nearest % 2 === 1 ? nearest - 1 : nearest;
}
