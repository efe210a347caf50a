import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { canonicalJson, digestOfText, type Json } from '@fewstep/taskgraph';
import type { RowLabel } from '../../report/labelled-picture.js';
import type { PictureFormat } from '../../report/picture-format.js';
import { packageVersions } from '../../versions.js';
import { type Results, shownPath } from './output.js';

const formats: readonly PictureFormat[] = ['png', 'webp'];

/**
 * Puts pictures among the results in `folder`, their rows labelled where there are labels. One that would show the same stays
 * as it is, and of another format nothing is left.
 *
 * @throws RunnerError E_RESULTS, as what it gives does
 */
export const drawing =
  (results: Results, folder: string, format: PictureFormat = 'png') =>
  async (source: string, labels: readonly RowLabel[], ...name: string[]): Promise<string> => {
    const [above, base] = [name.slice(0, -1), name.at(-1)!];
    let as: PictureFormat = format;
    let written: string;
    if (format === 'png' && labels.length === 0)
      written = await results.place(source, ...above, `${base}.png`);
    else {
      // a store names it by its contents
      const shown = {
        source: basename(source),
        labels,
        format,
        runner: packageVersions().runner,
      } as unknown as Json;
      // in the file itself, whatever is around it
      const note = `fewstep ${digestOfText(canonicalJson(shown))}`;
      for (const one of formats) {
        const path = join(folder, ...above, `${base}.${one}`);
        if ((await readFile(path).catch(() => undefined))?.includes(note)) return shownPath(path);
      }
      const { labelledPicture } = await import('../../report/labelled-picture.js'); // and what draws only then
      const drawn = await labelledPicture(source, labels, { format, note });
      as = drawn.format;
      written = await results.write(drawn.picture, ...above, `${base}.${as}`);
    }
    for (const other of formats) if (other !== as) await results.remove(...above, `${base}.${other}`);
    return written;
  };
