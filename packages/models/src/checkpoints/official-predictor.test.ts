import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeSafetensors } from '../files/safetensors.js';
import { zipOf } from '../files/zip-of.test.support.js';
import { parseOfficialPredictor, readOfficialPredictor } from './official-predictor.js';

const path = new URL('../../fixtures/official-predictor.pkl', import.meta.url).pathname;
const official = await readFile(path);
const zipped = await zipOf([['network-snapshot-000010.pkl', official]]);

/** The predictor with parts of its bytes replaced, the first occurrence of each. */
function changed(...replacements: readonly (readonly [from: string, to: string])[]): Uint8Array {
  const text = replacements.reduce((now, [from, to]) => {
    expect(now).toContain(from);
    return now.replace(from, to);
  }, official.toString('latin1'));
  return Buffer.from(text, 'latin1');
}

// How the pickle writes an attribute: its name, which it remembers, then the value.
const attribute = (name: string) => `\x8c${String.fromCharCode(name.length)}${name}\x94`;
const FALSE = '\x89';
const TRUE = '\x88';
const ZERO = 'K\0';
const ONE_HUNDREDTH = 'G\x3f\x84\x7a\xe1\x47\xae\x14\x7b';

describe('parseOfficialPredictor', () => {
  it('reads settings and weights', async () => {
    const { settings, weights } = await parseOfficialPredictor(official);
    expect(settings).toEqual({
      dataset_name: 'digits',
      img_resolution: 32,
      num_steps: 4,
      sampler_stu: 'amed',
      sampler_tea: 'heun',
      M: 1,
      schedule_type: 'time_uniform',
      schedule_rho: 1,
      afs: true,
      scale_dir: 0.01,
      scale_time: 0,
      max_order: null,
      predict_x0: true,
      lower_order_final: true,
      guidance_type: null,
      guidance_rate: null,
    });
    expect(Object.entries(weights).map(([name, { shape }]) => `${name} ${shape}`)).toEqual([
      'fc_scale_dir.weight 1,20',
      'fc_scale_dir.bias 1',
      'fc_r.weight 1,20',
      'fc_r.bias 1',
      'enc_layer1.weight 4,128',
      'enc_layer1.bias 4',
      'enc_layer0.weight 128,64',
      'enc_layer0.bias 128',
      'map_layer0.weight 8,8',
      'map_layer0.bias 8',
    ]);
    expect(weights['enc_layer0.weight']!.data).toHaveLength(128 * 64);
  });

  it.each(['official-predictor.pt', 'official-predictor.legacy.pt'])(
    'reads %s, which torch.save wrote',
    async (name) => {
      const saved = await readFile(new URL(`../../fixtures/${name}`, import.meta.url));
      const pickled = await parseOfficialPredictor(official);
      expect(await parseOfficialPredictor(saved)).toEqual(pickled);
      // its elements lie outside of the pickle: the first of them are those of map_layer0
      const at = saved.indexOf(Buffer.from(pickled.weights['map_layer0.weight']!.data.buffer as ArrayBuffer));
      expect(at).toBeGreaterThan(0);
      await expect(parseOfficialPredictor(saved.subarray(0, at))).rejects.toMatchObject({
        code: 'E_CHECKPOINT',
      });
      saved[at + 100]! ^= 1;
      const damaged = parseOfficialPredictor(saved);
      if (name.includes('legacy')) expect(await damaged).not.toEqual(pickled);
      else
        await expect(damaged).rejects.toMatchObject({
          code: 'E_CHECKPOINT',
          message: expect.stringMatching(/no readable predictor: zip: .* do not match their checksum/),
        });
    },
  );

  // Attributes are renamed to others of their length, for a pickle remembers places, not positions.
  const old = async (...more: readonly (readonly [string, string])[]) => {
    const former = [`scale_dir\x94${ONE_HUNDREDTH}`, `former_it\x94${ONE_HUNDREDTH}`] as const;
    return (await parseOfficialPredictor(changed(former, ...more))).settings;
  };

  it('gives a predictor of the first release the ranges that were fixed then', async () => {
    const scales = async (time: string, ...more: (readonly [string, string])[]) => {
      const { scale_dir, scale_time } = await old(
        [attribute('scale_time') + ZERO, attribute('scale_time') + time],
        ...more,
      );
      return [scale_dir, scale_time];
    };
    expect(await scales(FALSE)).toEqual([0.01, 0]);
    expect(await scales(TRUE)).toEqual([0.01, 0.2]);
    const dpmpp = ['\x8c\x04amed', '\x8c\x05dpmpp'] as const;
    expect(await scales(TRUE, dpmpp)).toEqual([0.05, 0.2]);
    const noise = [attribute('predict_x0') + TRUE, attribute('predict_x0') + FALSE] as const;
    expect(await scales(FALSE, dpmpp, noise)).toEqual([0.01, 0]);
  });

  it('refuses a predictor with neither release’s scales', async () => {
    await expect(old()).rejects.toThrow(/scale_dir is missing\. A predictor of the official/);
  });

  it('lists every wrong setting', async () => {
    const wrong = changed(
      [`${attribute('num_steps')}K\x04`, `${attribute('num_steps')}K\x01`],
      [attribute('afs') + TRUE, attribute('afs') + ZERO],
      [
        `${attribute('schedule_type')}\x8c\x0ctime_uniform`,
        `${attribute('schedule_type')}\x8c\x0ctime\nuniform`,
      ],
    );
    await expect(parseOfficialPredictor(wrong)).rejects.toMatchObject({
      code: 'E_CHECKPOINT',
      evidence: {
        problems: [
          'num_steps is 1, not an integer from 2 to 1001',
          'schedule_type is the text "time\nuniform", not a name',
          'afs is 0, not True or False',
        ],
      },
    });
  });

  it.each([
    [
      'a denoiser',
      new URL('../../fixtures/edm-ncsnpp-uncond.p2.pkl', import.meta.url),
      /without "model"; its keys are the text "ema"/,
    ],
    ['another class', changed(['AMED_predictor', 'SFDD_predictor']), /its model is a SFDD_predictor/],
    ['weights alone', Buffer.from('\x80\x04}(X\x05\0\0\0model}u.', 'latin1'), /its model is a dict of 0/],
    ['a number', Buffer.from('\x80\x04K\x07.', 'latin1'), /it holds 7/],
    [
      'the state of a training',
      Buffer.from('\x80\x04}(X\x03\0\0\0netK\x07X\x0f\0\0\0optimizer_state}u.', 'latin1'),
      /it is the state of a training, to go on with it: name the snapshot/,
    ],
    ['a zip', zipped, /it is a zip archive/],
    ['a program', Buffer.from("cos\nsystem\n(S'true'\ntR."), /it would call os\.system/],
    ['safetensors', writeSafetensors({}), /it is a safetensors file/],
    ['nothing', Buffer.alloc(0), /it is an empty file/],
    [
      'no module',
      changed(['\x8c\x0b_parameters', '\x8c\x0b_perimeters']),
      /is no module: it has no dict _parameters/,
    ],
  ])('refuses %s', async (_, content, message) => {
    const bytes = content instanceof URL ? await readFile(content) : content;
    await expect(parseOfficialPredictor(bytes)).rejects.toMatchObject({
      code: 'E_CHECKPOINT',
      message: expect.stringMatching(message),
    });
  });

  it('refuses one that is cut short, wherever', async () => {
    for (let length = 0; length < official.length; length += 997)
      await expect(parseOfficialPredictor(official.subarray(0, length))).rejects.toMatchObject({
        code: 'E_CHECKPOINT',
      });
  });

  it('answers damage in its settings with E_CHECKPOINT or a predictor, nothing else', async () => {
    let state = 1;
    const random = (below: number) => (state = (state * 48271) % 2147483647) % below;
    const tail = official.length - 1100;
    let refused = 0;
    for (let i = 0; i < 1000; i++) {
      const bytes = Uint8Array.from(official);
      bytes[tail + random(1100)] = random(256);
      try {
        const { settings } = await parseOfficialPredictor(bytes);
        expect(Number.isInteger(settings.num_steps)).toBe(true);
      } catch (error) {
        expect(error).toMatchObject({ code: 'E_CHECKPOINT' });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(200);
  });
});

describe('readOfficialPredictor', () => {
  it('names the file that it can’t read', async () => {
    expect((await readOfficialPredictor(path)).settings.sampler_stu).toBe('amed');
    await expect(readOfficialPredictor('missing.pkl')).rejects.toMatchObject({
      code: 'E_CHECKPOINT',
      message: expect.stringMatching(/missing\.pkl can't be read: ENOENT/),
    });
    const folder = await mkdtemp(join(tmpdir(), 'fewstep-predictor-'));
    const page = join(folder, 'page.pkl');
    await writeFile(page, '<html>');
    await expect(readOfficialPredictor(page)).rejects.toMatchObject({
      code: 'E_CHECKPOINT',
      message: expect.stringMatching(/page\.pkl: it is an HTML/),
      evidence: { path: page },
    });
    await rm(folder, { recursive: true });
  });
});
