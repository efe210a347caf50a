import { describe, expect, it } from 'vitest';
import { parseDevice } from './device.js';

describe('a device by its word', () => {
  it.each([
    ['cpu', { type: 'cpu' }],
    ['webgpu', { type: 'webgpu' }],
    ['cuda', { type: 'cuda', ids: [0] }],
    ['cuda:3', { type: 'cuda', ids: [3] }],
    ['cuda:2,0', { type: 'cuda', ids: [2, 0] }],
    ['tensorrt:0,1', { type: 'tensorrt', ids: [0, 1] }],
  ])('%s', async (text, device) => {
    expect(await parseDevice(text)).toEqual(device);
  });

  it.each([
    ['gpu', /there is no device "gpu"; one of cpu, cuda, .*webgpu, tfjs, tfjs:node-gpu/],
    ['', /there is no device ""/],
    ['cpu:1', /there is no device "cpu:1"/],
    ['webgpu:0', /there is no device/],
    ['CUDA', /there is no device/],
    ['cuda:', /numbers of GPUs/],
    ['cuda:0,', /numbers of GPUs/],
    ['cuda:-1', /numbers of GPUs/],
    ['cuda:0,0', /each once/],
    ['tensorrt:a', /as in tensorrt:0,1/],
    ['../engine', /there is no device/],
  ])('not %s', async (text, message) => {
    await expect(parseDevice(text)).rejects.toThrow(
      expect.objectContaining({ code: 'E_ENGINE', message: expect.stringMatching(message) }),
    );
  });
});
