import { describe, expect, it } from 'vitest';
import { parseDevice, parseDevices } from './device.js';

describe('a device by its word', () => {
  it.each([
    ['cpu', { type: 'cpu' }],
    ['webgpu', { type: 'webgpu' }],
    ['cuda', { type: 'cuda', id: 0 }],
    ['cuda:3', { type: 'cuda', id: 3 }],
    ['tensorrt:12', { type: 'tensorrt', id: 12 }],
  ])('%s', async (text, device) => {
    expect(await parseDevice(text)).toEqual(device);
  });

  it.each([
    ['gpu', /there is no device "gpu"; one of cpu, cuda, .*webgpu, tfjs, tfjs:node-gpu/],
    ['', /there is no device ""/],
    ['cpu:1', /there is no device "cpu:1"/],
    ['webgpu:0', /there is no device/],
    ['CUDA', /there is no device/],
    ['cuda:', /number of a GPU/],
    ['cuda:0,1', /number of a GPU/],
    ['cuda:-1', /number of a GPU/],
    ['tensorrt:a', /as in tensorrt:1/],
    ['../engine', /there is no device/],
  ])('not %s', async (text, message) => {
    await expect(parseDevice(text)).rejects.toThrow(
      expect.objectContaining({ code: 'E_ENGINE', message: expect.stringMatching(message) }),
    );
  });
});

describe('devices by a word that names several', () => {
  const gpu = (type: 'cuda' | 'tensorrt', id: number) => ({ type, id });
  it.each([
    ['cpu', [{ type: 'cpu' }]],
    ['cpu,webgpu', [{ type: 'cpu' }, { type: 'webgpu' }]],
    ['cuda:2,0', [gpu('cuda', 2), gpu('cuda', 0)]],
    [
      'webgpu,cuda:0,1,tensorrt:3,4',
      [{ type: 'webgpu' }, ...[0, 1].map((id) => gpu('cuda', id)), gpu('tensorrt', 3), gpu('tensorrt', 4)],
    ],
  ])('%s', async (text, devices) => {
    expect(await parseDevices(text)).toEqual(devices);
  });

  it.each([
    ['cpu,', /there is no device ""/],
    ['cuda:0,0', /names cuda:0 twice/],
    ['cuda,cuda:0', /names cuda:0 twice/],
    ['cpu,1', /there is no device "1"/],
    ['cuda:0,x', /there is no device "x"/],
  ])('not %s', async (text, message) => {
    await expect(parseDevices(text)).rejects.toThrow(
      expect.objectContaining({ code: 'E_ENGINE', message: expect.stringMatching(message) }),
    );
  });
});
