import type { ReportData } from './report-data.js';

/**
 * `results.csv`: a line for each point, in which every number is one: UTF-8, quoted as in RFC 4180. Of a figure X there is also X_ci95, half
 * the width of its 95 % interval. What a point lacks is empty. No text is a formula: one that begins as such has ' before it.
 */
export function resultsCsv({ points, metrics }: ReportData): string {
  const keys = [...new Set(points.flatMap(({ settings }) => Object.keys(settings)))];
  const heads = [
    ...['experiment', 'label', ...keys],
    ...['nfe', 'depth', 'forwards', 'train_calls', 'images', 'real_images', 'repeats'],
    ...metrics.flatMap(({ name }) => [name, `${name}_ci95`]),
    ...['published_fid', 'train_seconds', 'sample_seconds'],
  ];
  const lines = points.map((point) => [
    ...[point.experiment, point.label, ...keys.map((key) => point.settings[key])],
    ...[
      point.nfe,
      point.depth,
      point.forwards,
      point.trainCalls,
      point.images,
      point.realImages,
      point.repeats,
    ],
    ...metrics.flatMap(({ name }) => {
      const figure = point.figures[name];
      return [figure && (figure.value ?? Infinity), figure?.half];
    }),
    ...[point.published?.fid, point.seconds?.train, point.seconds?.sample],
  ]);
  return [heads, ...lines].map((line) => `${line.map(cell).join(',')}\n`).join('');
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
