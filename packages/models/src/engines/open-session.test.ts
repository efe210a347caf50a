import { afterEach, expect, it, vi } from 'vitest';
import { openSession } from './open-session.js';

afterEach(() => vi.unstubAllEnvs());

it.each([
  ['keeps NVIDIA’s libraries from TF32', undefined, '0'],
  ['leaves TF32 to those who ask for it', '1', '1'],
])('%s', async (_, before, after) => {
  vi.stubEnv('NVIDIA_TF32_OVERRIDE', before);
  const signature = { what: 'nothing', inputs: [], outputs: [] };
  const opened = openSession(new Uint8Array(), signature, { device: { type: 'cuda', id: 0 } });
  await expect(opened).rejects.toThrow(/on cuda/);
  expect(process.env.NVIDIA_TF32_OVERRIDE).toBe(after);
});
