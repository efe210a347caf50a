import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Image, imageGrid } from '@fewstep/metrics';
import { decodeImage, encodePng } from '@fewstep/metrics/images';
import { toGridUint8, toUint8 } from '@fewstep/models';
import type { Golden } from './golden.js';
import { outcome, type Topic } from './topic.js';

/** Float images to bytes, to single PNGs and to a grid PNG. */
export const images: Topic = (golden) =>
  Promise.all(
    (golden.index.cases as ImageCase[]).map((one) => outcome(one.id, () => checkImageCase(golden, one))),
  );

interface ImageCase {
  readonly id: string;
  readonly n: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly arrays: { readonly in: string; readonly uint8_nhwc: string; readonly grid_hwc: string };
  readonly grid_shape: readonly [height: number, width: number, channels: number];
  readonly grid_png?: string;
  readonly first_png?: string;
  readonly uint8_vs_grid_first_image_differing?: number;
  readonly tol: number;
}

async function checkImageCase(golden: Golden, one: ImageCase): Promise<string | undefined> {
  const { n, channels, height, width, tol } = one;
  const input = golden.array(one.arrays.in);
  const size = { channels, height, width };
  const imageLength = channels * height * width;

  const bytes = toUint8(input);
  const singles = Array.from({ length: n }, (_, i) =>
    interleaved({ ...size, data: bytes.subarray(i * imageLength, (i + 1) * imageLength) }),
  );
  const gridBytes = toGridUint8(input);
  const grid = imageGrid({ ...size, n, data: gridBytes });
  const gridShape = [grid.height, grid.width, grid.channels].join();

  const officialSingles = golden.array(one.arrays.uint8_nhwc);
  const officialGrid = golden.array(one.arrays.grid_hwc);
  const problems = [
    differing('single images', singles.flat(), officialSingles, tol),
    gridShape === one.grid_shape.join() ? undefined : `the grid is [${gridShape}], not [${one.grid_shape}]`,
    differing('grid', interleaved(grid), officialGrid, tol),
    differing('grid written and read', interleaved(await throughPng(grid)), officialGrid, tol),
  ];
  if (one.grid_png !== undefined)
    problems.push(
      differing('grid.png', interleaved(await official(golden, one.grid_png)), officialGrid, tol),
    );
  const first = { ...size, data: bytes.subarray(0, imageLength) };
  problems.push(
    differing('first image written and read', interleaved(await throughPng(first)), singles[0]!, 0),
  );
  if (one.first_png !== undefined)
    problems.push(
      differing('first.png', interleaved(await official(golden, one.first_png)), singles[0]!, tol),
    );
  if (one.uint8_vs_grid_first_image_differing !== undefined) {
    const count = first.data.filter((byte, i) => byte !== gridBytes[i]).length;
    if (count !== one.uint8_vs_grid_first_image_differing)
      problems.push(
        `the two ways differ in ${count} bytes of the first image, not ${one.uint8_vs_grid_first_image_differing}`,
      );
  }
  return problems.find((problem) => problem !== undefined);
}

const official = async (golden: Golden, file: string) =>
  decodeImage(await readFile(join(golden.folder, file)), file);

const throughPng = async (image: Image) => decodeImage(await encodePng(image), 'written PNG');

/** [height × width × channels], as the figures hold images. */
function interleaved({ data, channels, height, width }: Image): number[] {
  const size = height * width;
  return Array.from(data, (_, at) => data[(at % channels) * size + Math.floor(at / channels)]!);
}

function differing(
  what: string,
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  tolerance: number,
): string | undefined {
  if (ours.length !== theirs.length) return `${what}: ${ours.length} bytes, not ${theirs.length}`;
  for (let i = 0; i < theirs.length; i++)
    if (!(Math.abs(ours[i]! - theirs[i]!) <= tolerance))
      return `${what}: byte ${i} is ${ours[i]}, not ${theirs[i]}`;
  return undefined;
}
