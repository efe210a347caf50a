import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

/** A zip of these files. */
export async function zipOf(
  files: Iterable<readonly [string, Uint8Array]>,
  compress = false,
): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, bytes] of files) zip.addBuffer(Buffer.from(bytes), name, { compress });
  zip.end();
  return buffer(zip.outputStream);
}
