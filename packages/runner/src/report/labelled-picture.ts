import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Font, Glyph } from 'opentype.js';
import sharp, { type OverlayOptions } from 'sharp';
import { formatOf, type PictureFormat } from './picture-format.js';

/** What a row of a picture shows. */
export interface RowLabel {
  readonly title: string;
  /** What came of it, as `fid 0.177 ± 0.031`. */
  readonly figures: readonly string[];
}

/** Rows have room for a title and two lines of figures. */
const leastRow = 48;
/** Of a label's lines, in sizes of its letters. */
const widest = 36;
/** Labels that are drawn at once, in pixels of height. */
const mostDrawn = 8192;

/**
 * A picture whose rows are told apart: left of each what it is and its figures, of rows that are too low for that in whole
 * multiples of their pixels. Letters are outlines of a font of ours, so that they are the same on every machine; of writing
 * that it has not each letter is a box.
 *
 * - `source`: a PNG, or the path of one, of as many rows, all of one height, as there are labels; without labels it stays as it is.
 * - `note`: words that are kept in the file, beside its pixels.
 * - Of WebP, which is without loss, a picture beyond 16,383 pixels is a PNG.
 */
export async function labelledPicture(
  source: string | Uint8Array,
  labels: readonly RowLabel[],
  { format, note }: { readonly format: PictureFormat; readonly note: string },
): Promise<{ readonly picture: Uint8Array; readonly format: PictureFormat }> {
  const own = sharp(source, { limitInputPixels: false });
  const { width, height } = await own.metadata();
  const rowHeight = height / Math.max(1, labels.length);
  const scale = labels.length > 0 ? Math.ceil(leastRow / rowHeight) : 1;
  const row = rowHeight * scale;
  const size = Math.min(32, Math.max(11, Math.round(row / 14)));
  const text = labels.length > 0 ? await linesOf(labels, row, size) : { width: 0, lines: [] };
  const [wholeWidth, wholeHeight] = [text.width + width * scale, height * scale];
  const images = await own
    .resize(width * scale, height * scale, { kernel: 'nearest' })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const whole = sharp({
    create: { width: wholeWidth, height: wholeHeight, channels: 3, background: 'black' },
    limitInputPixels: false,
  })
    .composite([
      { input: images.data, raw: images.info, left: text.width, top: 0, limitInputPixels: false },
      ...drawnLabels(text, row, size),
    ])
    .removeAlpha();
  const fits = formatOf({ width: wholeWidth, height: wholeHeight }, format);
  const encoded =
    fits === 'webp'
      ? whole.webp({ lossless: true, effort: 4 })
      : whole.png({ compressionLevel: 9, adaptiveFiltering: false, palette: false });
  return {
    picture: await encoded.withExif({ IFD0: { ImageDescription: note } }).toBuffer(),
    format: fits,
  };
}

interface Lines {
  /** Of the column that they stand in. */
  readonly width: number;
  /** By row. */
  readonly lines: readonly (readonly Written[])[];
}

const lineHeight = (size: number) => Math.ceil(size * 1.35);

/** What of labels has room beside rows. */
async function linesOf(labels: readonly RowLabel[], row: number, size: number): Promise<Lines> {
  const written = await writing(size);
  const most = widest * size;
  const rows = Math.max(1, Math.floor(row / lineHeight(size)) - 1);
  const lines = labels.map(({ title, figures }) => {
    const filled: string[] = [];
    for (const figure of figures) {
      const longer = filled.length > 0 ? `${filled.at(-1)} · ${figure}` : figure;
      if (filled.length > 0 && written(longer).width <= most) filled[filled.length - 1] = longer;
      else filled.push(figure);
    }
    const shown = filled.length > rows ? [...filled.slice(0, rows - 1), `${filled[rows - 1]} …`] : filled;
    return [title, ...shown].map((line) => written(line, most));
  });
  const longest = Math.max(...lines.flat().map(({ width }) => width));
  return { width: Math.ceil(longest + size), lines };
}

/** Labels as pictures to be laid over a column, several rows in each. */
function drawnLabels({ width, lines }: Lines, row: number, size: number): OverlayOptions[] {
  const each = Math.max(1, Math.floor(mostDrawn / row));
  return Array.from({ length: Math.ceil(lines.length / each) }, (_, block) => {
    const those = lines.slice(block * each, (block + 1) * each);
    const paths = those.flatMap((label, i) => {
      const top = i * row + (row - label.length * lineHeight(size)) / 2;
      return label.map(({ outlines }, k) => {
        const baseline = top + k * lineHeight(size) + size;
        const place = `translate(${size / 2} ${baseline.toFixed(2)})`;
        return `<path transform="${place}" fill="${k === 0 ? '#fff' : '#bbb'}" d="${outlines}"/>`;
      });
    });
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${those.length * row}">${paths.join('')}</svg>`;
    return { input: Buffer.from(svg), left: 0, top: block * each * row };
  });
}

interface Written {
  readonly width: number;
  /** As the data of an SVG path: numbers and letters of commands, whatever is written. */
  readonly outlines: string;
}

/** Writes a line in letters of a size, in pixels; no wider than `most`. */
async function writing(size: number): Promise<(line: string, most?: number) => Written> {
  const font = await (opened ??= openFont());
  const unit = size / font.unitsPerEm;
  const ellipsis = font.charToGlyph('…');
  const advance = (glyph: Glyph) => (glyph.advanceWidth ?? 0) * unit;
  return (line, most = Infinity) => {
    let glyphs = [...line].map((letter) => font.charToGlyph(letter));
    const width = () => glyphs.reduce((sum, glyph) => sum + advance(glyph), 0);
    if (width() > most) {
      while (glyphs.length > 0 && width() + advance(ellipsis) > most) glyphs = glyphs.slice(0, -1);
      glyphs = [...glyphs, ellipsis];
    }
    let x = 0;
    const outlines = glyphs.map((glyph) => {
      const path = glyph.getPath(x, 0, size).toPathData(2);
      x += advance(glyph);
      return path;
    });
    return { width: x, outlines: outlines.join('') };
  };
}

let opened: Promise<Font> | undefined;

async function openFont(): Promise<Font> {
  const { default: opentype } = await import('opentype.js');
  const file = createRequire(import.meta.url).resolve(
    '@fontsource/dejavu-sans/files/dejavu-sans-latin-400-normal.woff',
  );
  const bytes = await readFile(file);
  return opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), {
    lowMemory: true,
  });
}
