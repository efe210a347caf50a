import { hash } from 'node:crypto';

/** What is longer is cut into chunks of so many bytes: far below the 100 MB that servers take, and some hold a body in memory. */
export const chunkBytes = 8 << 20;
/** What is shorter travels in one artifact, which is read as a whole. */
export const inlineBytes = 256 << 10;
/** An artifact that begins with more than this has no beginning of ours. */
export const mostHeadBytes = 4 << 20;

/** A part of what is kept under a name, which is an artifact of its own. */
export interface Chunk {
  /** SHA-256 of its bytes, 64 hex digits. */
  readonly digest: string;
  readonly size: number;
}

/** How an artifact begins: a line of JSON. Behind it are its bytes, unless it has chunks. */
export interface Head {
  /** Of the form of artifacts. */
  readonly fewstep: 1;
  /** The whole of it: servers know an artifact by 64 bits alone. */
  readonly name: string;
  /** Bytes of the whole. */
  readonly size: number;
  readonly chunks?: readonly Chunk[];
}

/** What a server calls the artifact of a name: 16 hex digits of its SHA-256. */
export const idOf = (name: string): string => hash('sha256', `fewstep ${name}`).slice(0, 16);

export const nameOfChunk = ({ digest }: Chunk): string => `chunks/${digest}`;

export const formatHead = (head: Omit<Head, 'fewstep'>): Buffer =>
  Buffer.from(`${JSON.stringify({ fewstep: 1, ...head })}\n`);

/** An artifact that was read as a whole, if it is that of the name; its bytes where it has no chunks. */
export function parseArtifact(
  body: Buffer,
  name: string,
): { readonly chunks: readonly Chunk[] } | { readonly bytes: Buffer } | undefined {
  const end = body.indexOf('\n');
  let head: unknown;
  try {
    head = JSON.parse(body.toString('utf8', 0, Math.max(end, 0)));
  } catch {
    return undefined;
  }
  if (!isHead(head) || head.name !== name) return undefined;
  const bytes = body.subarray(end + 1);
  if (!head.chunks) return bytes.length === head.size ? { bytes } : undefined;
  const size = head.chunks.reduce((sum, chunk) => sum + chunk.size, 0);
  return size === head.size && bytes.length === 0 ? { chunks: head.chunks } : undefined;
}

function isHead(value: unknown): value is Head {
  if (typeof value !== 'object' || value === null) return false;
  const { fewstep, name, size, chunks } = value as Record<string, unknown>;
  return (
    fewstep === 1 &&
    typeof name === 'string' &&
    isSize(size) &&
    (chunks === undefined || (Array.isArray(chunks) && chunks.every(isChunk)))
  );
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const isChunk = (value: unknown): value is Chunk => {
  const { digest, size } = (value ?? {}) as Record<string, unknown>;
  return typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest) && isSize(size) && size <= chunkBytes;
};
