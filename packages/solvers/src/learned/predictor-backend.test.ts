import { expect, it, vi } from 'vitest';

vi.mock('@tensorflow/tfjs-backend-wasm', () => {
  throw new Error('no WebAssembly here');
});

it('says of a backend that is installed why it is passed over, and nothing of those that aren’t', async () => {
  const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const { tensorBackend } = await import('./predictor-backend.js');
  expect(await tensorBackend()).toBe('cpu');
  const said = warnings.mock.calls.map(([text, options]) => [
    String(text),
    (options as { code?: string }).code,
  ]);
  expect(said).toEqual([
    [expect.stringMatching(/^@tensorflow\/tfjs-backend-wasm is installed and doesn't work/), 'W_BACKEND'],
  ]);
  warnings.mockRestore();
});
