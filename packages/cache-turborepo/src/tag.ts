import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The tag of an artifact whose body has so many bytes: base64 of HMAC-SHA256 over the fields "artifact-signature:v2", its id,
 * the team's id (empty where there is only a slug) and the body, each with its length as 64 bits, little-endian, before it.
 * Source: Turborepo's signatures of version 2, `x-artifact-tag`.
 */
export function tagger(secret: string, id: string, teamId: string, bodyBytes: number) {
  const hmac = createHmac('sha256', secret);
  const field = (text: string) => {
    const bytes = Buffer.from(text, 'utf8');
    hmac.update(lengthOf(bytes.length)).update(bytes);
  };
  for (const text of ['artifact-signature:v2', id, teamId]) field(text);
  hmac.update(lengthOf(bodyBytes));
  return {
    /** The body, part by part. */
    update: (bytes: Uint8Array): void => void hmac.update(bytes),
    tag: (): string => hmac.digest('base64'),
  };
}

/** The tag of a body that is there as a whole. */
export function tagOf(secret: string, id: string, teamId: string, body: Uint8Array): string {
  const { update, tag } = tagger(secret, id, teamId, body.length);
  update(body);
  return tag();
}

/** Whether a tag is the right one; takes as long whatever it is. */
export function isTag(given: string | null, right: string): boolean {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes));
  return length;
}
