import { expect, it } from 'vitest';
import { probeDevice } from './probe-device.js';

it('finds that the CPU computes, and what an engine that isn’t installed lacks', async () => {
  await expect(probeDevice({ type: 'cpu' })).resolves.toBeUndefined();
  await expect(probeDevice({ type: 'engine', name: 'nowhere' })).rejects.toMatchObject({
    code: 'E_ENGINE',
    message: expect.stringContaining('@fewstep/engine-nowhere'),
  });
});
