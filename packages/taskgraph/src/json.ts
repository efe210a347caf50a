import { mapValues } from './maps.js';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * One text per value: keys sorted by code unit, no space, numbers as ECMAScript prints them (RFC 8785).
 *
 * @throws TypeError on what JSON cannot hold: NaN, infinities, undefined outside an object's value.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return `${value}`;
  } else if (value === null || typeof value === 'boolean') return `${value}`;
  else if (Array.isArray(value)) {
    let text = '';
    for (const part of value as readonly Json[]) text += (text === '' ? '[' : ',') + canonicalJson(part);
    return text === '' ? '[]' : `${text}]`;
  } else if (typeof value === 'object') {
    const map = value as Readonly<Record<string, Json>>;
    let text = '';
    for (const key of sorted(Object.keys(map))) {
      const part = map[key];
      if (part !== undefined)
        text += `${text === '' ? '{' : ','}${JSON.stringify(key)}:${canonicalJson(part)}`;
    }
    return text === '' ? '{}' : `${text}}`;
  }
  throw new TypeError(`JSON cannot hold ${String(value)}`);
}

/** By code unit, in place: of the few that maps mostly have, so that nothing is allocated. */
function sorted(keys: string[]): readonly string[] {
  if (keys.length > 32) return keys.sort();
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i]!;
    let at = i;
    for (; at > 0 && keys[at - 1]! > key; at--) keys[at] = keys[at - 1]!;
    keys[at] = key;
  }
  return keys;
}

/** The same value with another text for each that it holds; keys stay. */
export function mapText(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((part: Json) => mapText(part, change));
  return mapValues(value as Readonly<Record<string, Json>>, (part) => mapText(part, change));
}

/** Whether a value that came from elsewhere is an object that is no list. */
export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
