import type { Json } from '@fewstep/taskgraph';
import { halfWidthOf, metricsIn, repeatsOf } from './figures.js';
import type { Leak } from './leaks.js';
import { cell } from './markdown.js';
import type { PointReport } from './report.js';

/** As papers have FID; of fewer it is higher. */
const imagesOfPapers = 50_000;

/** Before a figure that can't be told from the best of its column, and before that one. */
export const notTold = '≈';

/** What each leak is of. */
const leaked: Readonly<Record<Leak['of'], string>> = {
  training: 'seeds that the sampler was trained on',
  validation: 'seeds that told the loss of its training',
  schedule: 'seeds that the noise levels were searched on',
  tuned_on: 'seeds that settings were chosen on (tuned_on)',
  features: 'features of the network that the sampler was fitted to',
};

/** What is to be known of a table's figures, a sentence each. `alike`: the counts that all points share, as text. */
export function notesOn(
  points: readonly PointReport[],
  { alike, isMarked }: { readonly alike: readonly string[]; readonly isMarked: boolean },
): string[] {
  const metrics = metricsIn(points);
  /** "What is said: a; b." of those that it is so of. */
  const those = (said: string, isSo: (point: PointReport) => boolean, end = '') => {
    const labels = points.filter(isSo).map(({ label }) => cell(label));
    return labels.length > 0 ? [`${said}: ${labels.join('; ')}${end}.`] : [];
  };
  const isRepeated = (point: PointReport) => repeatsOf(point) > 1;
  const hasErrors = (point: PointReport) =>
    metrics.some((metric) => halfWidthOf(point, metric, 1) !== undefined);
  const isFew = ({ images = Infinity, metrics: { fid }, published }: PointReport) =>
    fid !== undefined && images < (published?.images ?? imagesOfPapers);
  const sources = points.flatMap(({ published }) =>
    published ? `Published: ${cell(published.source)}, of ${published.images} images.` : [],
  );
  const tends = metrics.includes('fid_inf') ? '; fid_inf is what it tends to with more' : '';
  const fewer = those(
    'Of fewer images than what is published, so higher',
    (point) => point.published !== undefined && isFew(point),
    tends,
  );
  const used = points.flatMap(({ protocol }) => Object.values(protocol?.devices ?? {}).flat());
  const devices = new Set(used.map(({ device }) => cell(deviceText(device))));
  return [
    ...(alike.length > 0 ? [`Of ${alike.join(', against ')}.`] : []),
    ...(points.some(isRepeated)
      ? [
          `N × n images are N sets of n, each scored by itself; a score is their mean${metrics.includes('fid_min') ? ', fid_min the least' : ''}.`,
        ]
      : []),
    ...(points.some((point) => hasErrors(point) && !isRepeated(point))
      ? ['± is a 95 % interval: 1.96 standard errors, over other images.']
      : []),
    ...(points.some((point) => hasErrors(point) && isRepeated(point))
      ? ['± of a mean is a 95 % interval by the spread of the sets (Student’s t).']
      : []),
    ...(isMarked
      ? [
          `${notTold} are the best of a column at their NFE and what the intervals, taken as independent, can’t tell from it; on the same seeds figures vary together, so this errs on the side of caution.`,
        ]
      : []),
    ...new Set(sources),
    ...fewer,
    ...(fewer.length === 0 && points.some(isFew)
      ? [`fid is higher of fewer images: papers have it of ${imagesOfPapers}${tends}.`]
      : []),
    ...(points.some(({ depth }) => depth !== undefined)
      ? ['depth counts the evaluations that wait for another: those beside them can be asked for at once.']
      : []),
    ...those('With dynamic thresholding', ({ thresholding }) => thresholding === 'dynamic'),
    ...(devices.size > 1
      ? [`Computed on several devices, report.json tells which on what: ${[...devices].join(', ')}.`]
      : []),
    ...(Object.keys(leaked) as Leak['of'][]).flatMap((of) => {
      const found = points.flatMap(({ label, images, repeats, leaks = [] }) =>
        leaks
          .filter((leak) => leak.of === of)
          .map((leak) => ({
            label: cell(label),
            count: `${leak.images} of ${(images ?? 0) * (repeats?.length ?? 1)} images`,
          })),
      );
      const counts = new Set(found.map(({ count }) => count));
      const isAll = found.length === points.length && counts.size === 1;
      const text = isAll
        ? `all points (${[...counts]})`
        : found.map(({ label, count }) => `${label} (${count})`).join('; ');
      return found.length > 0 ? [`LEAK: scored on ${leaked[of]}, so too good: ${text}.`] : [];
    }),
  ];
}

/** As `--device` has them: cpu, cuda:0. */
export const deviceText = (device: Json): string =>
  typeof device === 'object' && device !== null ? Object.values(device).flat().join(':') : String(device);
