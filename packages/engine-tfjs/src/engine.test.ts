import { parseDevice } from '@fewstep/models';
import { describe, expect, it } from 'vitest';
import { engine } from './engine.js';
import { refusal } from './models.test.support.js';

describe('a device by its word', () => {
  it.each([
    ['tfjs', { type: 'engine', name: 'tfjs' }],
    ['tfjs:wasm', { type: 'engine', name: 'tfjs', target: 'wasm' }],
    ['tfjs:node-gpu', { type: 'engine', name: 'tfjs', target: 'node-gpu' }],
  ])('%s', async (text, device) => {
    expect(await parseDevice(text)).toEqual(device);
  });

  it.each([
    ['tfjs:webgl', /^device "tfjs:webgl": TF\.js computes with node-gpu, node, wasm, cpu, not "webgl"$/],
    ['tfjs:', /not ""/],
  ])('not %s', async (text, message) => {
    await expect(parseDevice(text)).rejects.toThrow(refusal(message));
  });
});

describe('a backend', () => {
  const open = (target: string) =>
    engine.open(new Uint8Array(), { what: 'nothing', inputs: [], outputs: [] }, target);

  it('that is not installed is told of, with what to install', async () => {
    await expect(open('node-gpu')).rejects.toThrow(
      refusal(
        /TF\.js can't compute with node-gpu: .*npm install @tensorflow\/tfjs-node-gpu, or take the best that is installed, which is the device tfjs/,
      ),
    );
  });

  it('that is none is refused by who opens a graph with it, too', async () => {
    await expect(open('webgl')).rejects.toThrow(refusal(/not "webgl"/));
  });
});
