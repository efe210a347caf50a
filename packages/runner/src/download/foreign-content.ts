import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { shown } from '../judging/shown.js';

/** What files are recognised by, as names end; each takes what the readers of such files take. */
const starts: Readonly<Record<string, (head: Buffer) => boolean>> = {
  '.zip': isZip,
  '.npz': isZip,
  '.pkl': isPickle,
  '.pt': isPickle,
  '.pth': isPickle,
  '.bin': isPickle,
  '.ckpt': isPickle,
  // the length of its header in eight bytes, then JSON
  '.safetensors': (head) => head[8] === 0x7b && head.readUInt32LE(4) === 0,
  '.onnx': (head) => head[0] === 0x08,
  '.png': (head) => head.toString('latin1', 0, 4) === '\x89PNG',
};
const headBytes = 512;
/** Of an archive's list of entries the end, and the longest comment after it. */
const tailBytes = 22 + 65_535;

function isZip(head: Buffer): boolean {
  return ['PK\x03\x04', 'PK\x05\x06'].includes(head.toString('latin1', 0, 4));
}

/** Protocols 2 to 5; or an archive that has one in it. */
function isPickle(head: Buffer): boolean {
  return (head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5) || isZip(head);
}

/** What is put in the place of files, by how it begins after spaces and a mark of byte order. */
const substitutes: readonly (readonly [RegExp, string])[] = [
  [/^version https:\/\/git-lfs/, 'a pointer of Git LFS, and not the file that it stands for'],
  [/^</, 'a page of HTML or XML, as a login or a gateway puts in its place'],
  [/^[{[]\s*(["{[\]}]|$)/, 'JSON, as a server says what went wrong'],
];

/**
 * What a file holds that its name doesn't promise, as the end of a sentence; undefined where it begins as it should, and
 * a zip archive ends as one, too. Of a kind that has no beginning of its own, as .csv, it is told what is none of that
 * kind whatever it says.
 */
export async function foreignContent(path: string, name: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const read = async (from: number, bytes: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, from);
      return buffer.subarray(0, bytesRead);
    };
    const head = await read(0, headBytes);
    const foreign = foreignHead(head, name);
    if (foreign !== undefined || !isZip(head)) return foreign;
    const tail = await read(Math.max(0, size - tailBytes), tailBytes);
    return tail.includes('PK\x05\x06')
      ? undefined
      : 'a zip archive without its end, as a download that broke off';
  } finally {
    await file.close();
  }
}

function foreignHead(head: Buffer, name: string): string | undefined {
  if (head.length === 0) return 'nothing: the file is empty';
  const extension = extname(name).toLowerCase();
  const isSound = starts[extension];
  if (isSound?.(head.length < 16 ? Buffer.concat([head, Buffer.alloc(16)]) : head)) return undefined;
  const text = head.toString('utf8').replace(/^\ufeff?\s*/, '');
  const substitute = substitutes.find(([start]) => start.test(text))?.[1];
  if (substitute) return `${substitute} (${firstLine(head)})`;
  return isSound && `no ${extension.slice(1)} file (${firstLine(head)})`;
}

/** How something begins, as a sentence says it. */
export function firstLine(head: Buffer): string {
  const [line = ''] = head
    .toString('utf8')
    .trimStart()
    .split(/[\r\n]/, 1);
  return `it begins with ${shown(line)}`;
}
