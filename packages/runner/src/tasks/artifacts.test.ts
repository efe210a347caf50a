import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readTensors, writeTensors } from './artifacts.js';

it('writes tensors in bytes that no version of a package changes', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fewstep-artifacts-'));
  const tensors = {
    small: { dtype: 'U8', shape: [3], data: Uint8Array.of(7, 8, 9) },
    double: { dtype: 'F64', shape: [1], data: Float64Array.of(-2) },
    single: { dtype: 'F32', shape: [1, 2], data: Float32Array.of(1, 0.5) },
  } as const;
  const file = join(dir, await writeTensors(dir, 'a.safetensors', tensors));
  const header =
    '{"double":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"single":{"dtype":"F32","shape":[1,2],' +
    '"data_offsets":[8,16]},"small":{"dtype":"U8","shape":[3],"data_offsets":[16,19]}}';
  const values = '\0\0\0\0\0\0\0\xc0\0\0\x80\x3f\0\0\0\x3f\x07\x08\x09';
  expect((await readFile(file)).toString('latin1')).toBe(`\xb8\0\0\0\0\0\0\0${header.padEnd(0xb8)}${values}`);
  expect(await readTensors(file)).toEqual(tensors);
  await rm(dir, { recursive: true });
});
