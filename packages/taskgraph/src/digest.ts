import { hash } from 'node:crypto';

/** SHA-256 as 64 hex digits. */
export type Digest = string;

export const isDigest = (value: unknown): value is Digest =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

export function digestOfText(text: string): Digest {
  return hash('sha256', text);
}
