import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalJson, type Json } from '../json.js';

/**
 * What shows that a value of a name came from somebody who has the secret: HMAC-SHA256, 64 hex digits, over the words
 * "fewstep-signature:v1", the name and the canonical JSON, each with its length in bytes (64 bits, little-endian) before it,
 * so that no two triples give the same bytes.
 */
export function signatureOf(name: string, value: Json, secret: string): string {
  const hmac = createHmac('sha256', secret);
  for (const field of ['fewstep-signature:v1', name, canonicalJson(value)]) {
    const bytes = Buffer.from(field, 'utf8');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(bytes.length));
    hmac.update(length).update(bytes);
  }
  return hmac.digest('hex');
}

/** Whether that is so, of any value; takes as long whatever the signature is. */
export function isSigned(name: string, value: Json, signature: unknown, secret: string): boolean {
  let right: Buffer;
  try {
    right = Buffer.from(signatureOf(name, value, secret));
  } catch {
    return false; // what has no canonical JSON was never signed
  }
  const given = Buffer.from(typeof signature === 'string' ? signature : '');
  return given.length === right.length && timingSafeEqual(given, right);
}
