import { RunnerError } from '../../errors.js';

/** A count with its thousands apart: to load what knows every language's takes longer than a small plan. */
export const grouped = (count: number): string =>
  String(Math.round(count)).replace(/\B(?=(?:\d{3})+$)/g, ',');

/** A count as people read it, and of what: `1 point`, `1,000 points`. */
export const countOf = (count: number, what: string, many = `${what}s`): string =>
  `${grouped(count)} ${count === 1 ? what : many}`;

/** Seconds that nobody knows exactly: `20 s`, `12 min`, `3 h 10 min`. */
export function roughTime(seconds: number): string {
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Bytes that nobody knows exactly. */
export function roughSize(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? megabytes(bytes) : `${Math.ceil(bytes / 1000)} kB`;
}

export const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Bytes as people read them. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const power = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(1)} ${['B', 'kB', 'MB', 'GB', 'TB'][power]}`;
}

/** A time as people read it, in two units at most. */
export function timeText(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h${minutes % 60 > 0 ? ` ${minutes % 60} min` : ''}`;
  const days = Math.floor(hours / 24);
  return `${days} d${hours % 24 > 0 ? ` ${hours % 24} h` : ''}`;
}

/** How long ago something was. */
export const ageText = (at: string): string => timeText(Math.max(0, (Date.now() - Date.parse(at)) / 1000));

const sizes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const times: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: 86_400, w: 604_800 };

/** A number with a unit, as an option's value. @throws RunnerError E_USAGE */
function measured(option: string, text: string, units: Readonly<Record<string, number>>, as: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s?([A-Za-z]+)$/.exec(text) ?? [];
  const name = Object.keys(units).find((one) => one.toLowerCase() === unit.toLowerCase());
  if (number !== undefined && name !== undefined) return Number(number) * units[name]!;
  throw new RunnerError(
    'E_USAGE',
    `${option} is "${text}", and a number with its unit is needed, as ${as}: one of ${Object.keys(units).join(', ')}.`,
    { evidence: { option, found: text } },
  );
}

/** Bytes. @throws RunnerError E_USAGE */
export const sizeIn = (option: string, text: string): number => measured(option, text, sizes, '20GB');
/** Milliseconds. @throws RunnerError E_USAGE */
export const timeIn = (option: string, text: string): number => 1000 * measured(option, text, times, '30d');
