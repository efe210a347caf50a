const starts: readonly (readonly [string, string])[] = [
  ['\x89PNG\r\n', 'a PNG image'],
  ['\xff\xd8\xff', 'a JPEG image'],
  ['GIF8', 'a GIF image'],
  ['RIFF', 'a RIFF file (WebP, WAV or AVI)'],
  ['\x1f\x8b', 'a gzip archive'],
  ['7z\xbc\xaf', 'a 7z archive'],
  ['\x89HDF\r\n', 'an HDF5 file'],
  ['\x93NUMPY', 'a numpy array'],
  ['version https://git-lfs', 'a Git LFS pointer, not the file it stands for'],
  ['<', 'an HTML or XML page, as a failed download leaves behind'],
  ['PK\x05\x06', 'an empty zip archive'],
];

/** Says what bytes that should have been a pickle are instead; undefined where they may be one. */
export function foreignFormat(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'an empty file';
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 256)).toString('latin1');
  for (const [start, what] of starts) if (head.startsWith(start)) return what;
  if (head.startsWith('PK\x03\x04'))
    return /\/data\.pkl/.test(head)
      ? 'a PyTorch zip file (.pt), which holds tensors but no EDM network'
      : 'a zip archive';
  // safetensors: a header length of eight bytes, then JSON
  if (head[8] === '{' && head.slice(4, 8) === '\0\0\0\0') return 'a safetensors file';
  if (/^\s*[{[]\s*["{[\]}]/.test(head)) return 'JSON text';
  if (isOnnx(bytes)) return 'an ONNX graph';
  return undefined;
}

/** Whether a file starts as ONNX graphs do: their version as field 1, then who wrote it, its operators, or the graph. */
export const isOnnx = (head: Uint8Array): boolean =>
  head[0] === 0x08 && [0x12, 0x1a, 0x3a, 0x42].includes(head[2] ?? 0);
