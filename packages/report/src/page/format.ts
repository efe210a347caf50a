import type { Figure } from '../report-data.js';

const dash = '–';

/** A figure as text, with so many digits that its interval isn't 0, within reason. */
export function figureText(figure: Figure | undefined, digits: number): string {
  if (!figure) return dash;
  const { value, half } = figure;
  if (value === null) return '∞';
  const needed = half !== undefined && half > 0 ? Math.ceil(-Math.log10(half)) : 0;
  const shown = Math.min(Math.max(digits, needed), digits + 3);
  return value.toFixed(shown) + (half === undefined ? '' : ` ± ${half.toFixed(shown)}`);
}

/** A whole number with its thousands apart. */
export const count = (value: number | undefined): string =>
  value === undefined ? dash : Math.round(value).toLocaleString('en-GB');

/** So many digits that count, without zeros behind them. */
export const short = (value: number, digits = 4): string => String(Number(value.toPrecision(digits)));

export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return dash;
  if (seconds < 60) return `${short(seconds, 2)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 > 0 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

/** A setting as a spec has it, on one line. */
export const settingText = (value: unknown): string =>
  value === undefined ? dash : typeof value === 'string' ? value : JSON.stringify(value);
