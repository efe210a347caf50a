import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDecoder, openDenoiser, openTextEncoder, readStateDict, writeSafetensors } from '@fewstep/models';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fewstep, root, start } from './command-line.js';

const checkpoint = 'edm-cifar10-32x32-uncond-vp.pkl';

let models: string;
let env: Record<string, string>;
beforeEach(() => {
  models = mkdtempSync(join(tmpdir(), 'fewstep-models-'));
  env = { FEWSTEP_MODELS: models, NO_PROXY: '', no_proxy: '' };
});
afterEach(() => rmSync(models, { recursive: true }));

/** As far as its first bytes tell. */
const pickle = (text: string, bytes = text.length + 2) =>
  Buffer.concat([Buffer.from(`\x80\x04${text}`, 'latin1'), Buffer.alloc(bytes)], bytes);

/** The end of an archive, with nothing before it. */
const zip = (text: string) => Buffer.from(`PK\x05\x06${'\0'.repeat(18)}${text}`, 'latin1');

/** A proxy that tells which hosts were asked for; `answer` is what it says, nothing where it is silent. */
async function proxy(answer?: string) {
  const asked: string[] = [];
  const server = createServer();
  const first = new Promise<void>((resolve) => {
    server.on('connect', (request, socket) => {
      asked.push(request.url!);
      socket.on('error', () => {});
      if (answer) socket.end(answer);
      resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { env: { ...env, HTTPS_PROXY: address, https_proxy: address }, asked, first, close };
}

it('lists the models, and which of their files are here', async () => {
  writeFileSync(join(models, checkpoint), pickle('', 2_500_000));
  writeFileSync(join(models, 'v1-5-pruned-emaonly.ckpt'), pickle('', 3_500_000));
  writeFileSync(join(models, '256x256_classifier.pt'), '<!doctype html>\u001b[2J\nSign in');
  writeFileSync(join(models, 'ffhq-64x64.npz'), '');
  const { code, stdout } = await fewstep(['models', 'list'], { env });
  expect(code).toBe(0);
  const lines = stdout.split('\n');
  expect(lines[0]).toMatch(/^name +file +here +licence +address$/);
  expect(lines.find((line) => line.includes(checkpoint))).toMatch(
    /^cifar10 +\S+ +2\.5 MB +CC BY-NC-SA 4\.0, NVIDIA +https:\S+$/,
  );
  expect(lines.find((line) => line.includes('v1-5-pruned-emaonly.ckpt'))).toMatch(/^ms_coco +\S+ +3\.5 MB /);
  expect(lines.find((line) => line.startsWith('inception'))).toMatch(/^inception +\S+ +missing, 95\.6 MB /);
  expect(lines.find((line) => line.includes('256x256_diffusion.pt'))).toMatch(
    /^imagenet256 +\S+ +missing +MIT, OpenAI +https:\S+$/,
  );
  expect(lines.find((line) => line.includes('256x256_classifier.pt'))).toMatch(
    /^ +\S+ +damaged +MIT, OpenAI +https:\S+$/,
  );
  const foreign = 'a page of HTML or XML, as a login or a gateway puts in its place';
  expect(lines.slice(-3)).toEqual([
    `${join(models, 'ffhq-64x64.npz')} holds nothing: the file is empty: move it away and fetch it again`,
    `${join(models, '256x256_classifier.pt')} holds ${foreign} (it begins with "<!doctype html>\\u001b[2J"): move it away and fetch it again`,
    '',
  ]);

  const json = JSON.parse((await fewstep(['models', 'list', '--json'], { env })).stdout);
  expect(json.models.map(({ name }: { name: string }) => name)).toHaveLength(16);
  expect(json.models[2]).toMatchObject({
    name: 'cifar10',
    sigma_max: 80,
    files: [
      { role: 'checkpoint', here: true, bytes: 2_500_000 },
      { role: 'reference_data', here: false },
      { role: 'feature_network', here: false },
    ],
  });
  expect(json.models[7].files[1]).toMatchObject({
    role: 'classifier',
    here: false,
    problem: expect.stringContaining(foreign),
  });
  expect(json.models.slice(-6)).toMatchObject([
    {
      name: 'ms_coco',
      files: [
        { role: 'checkpoint', here: true, bytes: 3_500_000 },
        { role: 'reference_data', name: 'ms_coco-512x512.npz', here: false },
        { role: 'feature_network' },
        { role: 'clip', name: 'open_clip_pytorch_model.bin', here: false },
        { role: 'prompts' },
      ],
    },
    {
      name: 'inception',
      files: [{ name: 'pt_inception-2015-12-05-6726825d.pth', here: false, bytes: 95_628_359 }],
    },
    {
      name: 'dinov2',
      files: [{ name: 'dinov2_vitl14_pretrain.pth', here: false, bytes: 1_217_586_395 }],
    },
    { name: 'clip-vit-g-14', files: [{ role: 'clip', name: 'open_clip_pytorch_model.bin' }] },
    { name: 'clip-vit-l-14', files: [{ role: 'clip', name: 'ViT-L-14.pt', here: false }] },
    { name: 'vq-f4', files: [{ role: 'first_stage', name: 'vq-f4.zip', here: false }] },
  ]);
});

it('asks the proxy, and says by hand what to get from where and where to put it', async () => {
  const { asked, close, ...it } = await proxy('HTTP/1.1 403 Forbidden\r\n\r\n');
  const { code, stdout, stderr } = await fewstep(['models', 'fetch', 'cifar10'], it);
  close();
  expect([code, stdout]).toEqual([1, '']);
  expect(asked).toContain('nvlabs-fi-cdn.nvidia.com:443');
  const address = `https://nvlabs-fi-cdn.nvidia.com/edm/pretrained/${checkpoint}`;
  expect(stderr).toContain(
    `By hand: get ${checkpoint} from ${address} (CC BY-NC-SA 4.0, NVIDIA) and put it at ${join(models, checkpoint)}`,
  );
  expect(stderr.match(/^E_DOWNLOAD /gm)).toHaveLength(3);
  expect(readdirSync(models)).toEqual([]);
});

it('plans without a file, and computes nothing before all that a spec reads is here', async () => {
  const { asked, close, ...it } = await proxy('HTTP/1.1 403 Forbidden\r\n\r\n');
  const spec = join(models, 'coco.yaml');
  writeFileSync(
    spec,
    `
name: coco
dataset: ms_coco
guidance: { type: cfg }
schedule: { type: discrete }
student: { solver: dpmpp, num_steps: 6, max_order: 2, predict_x0: false }
train: false
sample: { seeds: 0-29999, batch: 8 }
evaluate: [fid]
`,
  );
  const store = join(models, 'store');
  const plan = await fewstep(['plan', spec, '--store', store, '--json'], it);
  const { evaluations, missing, planned } = JSON.parse(plan.stdout).experiments[0];
  expect(evaluations).toBe(30_000 * 5);
  const home = 'https://github.com/boomb0om/text2image-benchmark/releases/download/v0.0.1';
  const captions = 'MS-COCO_val2014_30k_captions.csv';
  expect(missing).toMatchObject(
    [
      { role: 'checkpoint', bytes: 4_265_380_512, how: /^fewstep models fetch ms_coco, or get v1-5/ },
      { role: 'reference_data', how: /^get ms_coco-512x512\.npz \(.*https:\/\/drive\.google/ },
      { role: 'feature_network', bytes: 95_628_359 },
      { role: 'prompts', file: join(models, captions), address: `${home}/${captions}` },
    ].map(({ how = /./, ...one }) => ({ ...one, how: expect.stringMatching(how) })),
  );
  expect(missing[1].address).toBeUndefined();
  expect(planned.every(({ found }: { found: boolean }) => !found)).toBe(true);
  expect(asked).toEqual([]);

  const { code, stderr } = await fewstep(['run', '--fetch', spec, '--store', store], it);
  close();
  expect(code).toBe(1);
  expect(stderr).toMatch(/^v1-5-pruned-emaonly\.ckpt: 4265\.4 MB$/m);
  expect(stderr).toMatch(/^to download: 3 files, at least 4361\.0 MB; .* MB free$/m);
  expect(stderr.match(/^E_DOWNLOAD /gm)).toHaveLength(4);
  expect(asked.sort()).toEqual([
    ...new Array(4).fill('github.com:443'),
    ...new Array(2).fill('huggingface.co:443'),
  ]);
  expect(readdirSync(models)).toEqual(['coco.yaml']);
});

it('fetches FID’s Inception-v3 by itself, and tells when it is another file', async () => {
  const { close, ...it } = await proxy('HTTP/1.1 403 Forbidden\r\n\r\n');
  const name = 'pt_inception-2015-12-05-6726825d.pth';
  const fetch = () => fewstep(['models', 'fetch', 'inception'], it);
  const missing = await fetch();
  const address = `https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/${name}`;
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain(`By hand: get ${name} from ${address} (Apache 2.0`);
  expect(missing.stderr).toContain(`and put it at ${join(models, name)}`);
  writeFileSync(join(models, name), pickle('another'));
  const other = await fetch();
  close();
  expect([other.code, other.stderr]).toEqual([
    1,
    expect.stringMatching(/^E_CHECKSUM .* does not begin with 6726825d as published\./),
  ]);
});

it('ends when it is told to, with exit code 130', async () => {
  const { first, close, ...it } = await proxy();
  const { child, finished } = start(['models', 'fetch', 'cifar10'], it);
  await first;
  child.kill('SIGINT');
  const { code, stderr } = await finished;
  close();
  expect(code).toBe(130);
  expect(stderr).toBe('E_INTERRUPTED interrupted: nothing had come yet\n');
});

it('compares what is here with its record', async () => {
  const fetch = (...more: string[]) => fewstep(['models', 'fetch', 'ffhq_ldm', 'vq-f4', ...more], { env });
  const checkpoint = 'ffhq.zip';
  const files = [checkpoint, 'vq-f4.zip'];
  for (const name of files) writeFileSync(join(models, name), zip(name));
  const digest = (text: Buffer) => createHash('sha256').update(text).digest('hex');
  const found = await fetch();
  expect([found.code, found.stderr]).toEqual([0, '']);
  expect(found.stdout).toBe(
    files.map((name) => `${digest(zip(name))}  ${join(models, name)} (found)\n`).join(''),
  );
  expect(readFileSync(join(models, `${checkpoint}.sha256`), 'utf8')).toBe(
    `${digest(zip(checkpoint))}  ${checkpoint}\n`,
  );
  writeFileSync(join(models, checkpoint), zip('spoilt'));
  const spoilt = await fetch('--json');
  expect(spoilt.code).toBe(1);
  expect(spoilt.stderr).toMatch(/^E_CHECKSUM .*Move the file away and fetch it again/);
  expect(JSON.parse(spoilt.stdout).files).toMatchObject([{ state: 'verified' }]);
  expect((await fetch('--sha256', `${checkpoint}=${digest(zip('spoilt'))}`)).code).toBe(0);
});

it.each([
  [['cfar10'], /^E_MODELS "cfar10" is no model of the registry; did you mean "cifar10"\? One of digits, /],
  [['cifar10', '--sha256', 'ab'], /^E_MODELS --sha256 ab: FILE=DIGEST is expected/],
  [['ffhq', '--sha256', `${checkpoint}=${'a'.repeat(64)}`], /^E_MODELS .* one of the files edm-ffhq/],
])('knows what can’t be fetched: %s', async (args, message) => {
  const { code, stderr } = await fewstep(['models', 'fetch', ...args], { env });
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});

/** What the tiny Stable Diffusion's file does not show. */
const told = [
  '--network',
  '{ num_heads: 4, image_size: 16, parametrization: eps, scale_factor: 0.18215, num_attention_heads: 4, hidden_act: quick_gelu }',
];

it.each([
  [
    [],
    /E_CHECKPOINT .*sd-tiny\.ckpt: its weights don't show num_heads, .*dataset\.network: \{ family: stable-diffusion, num_head_channels: 32/,
  ],
  [['--network', '{ hidden_act: relu }'], /E_SPEC dataset\.network\.hidden_act: "relu"/],
  [['--network', '{ image_sise: 16 }'], /unknown key; did you mean "image_size"\? One of .*, linear_end\.$/m],
])('exports no model that is not told, or told what is none: %j', async (more, message) => {
  const { code, stderr } = await fewstep(
    ['models', 'export', 'packages/models/fixtures/sd-tiny.ckpt', '--outdir', join(models, 'none'), ...more],
    { env },
  );
  expect(code).not.toBe(0);
  expect(stderr).toMatch(message);
});

it('exports every part of a model, to run elsewhere', async () => {
  const outdir = join(models, 'onnx');
  const { code, stdout } = await fewstep(
    ['models', 'export', 'packages/models/fixtures/sd-tiny.ckpt', '--outdir', outdir, '--json', ...told],
    { env },
  );
  expect(code).toBe(0);
  const { parts } = JSON.parse(stdout);
  expect(Object.keys(parts)).toEqual(['denoiser', 'decoder', 'text-encoder']);
  const info = (part: string) => {
    const told = JSON.parse(readFileSync(join(outdir, part, 'info.json'), 'utf8'));
    expect(parts[part].info).toEqual(told);
    return told;
  };
  const denoiser = await openDenoiser(parts.denoiser.graph, info('denoiser'));
  const decoder = await openDecoder(parts.decoder.graph, info('decoder'));
  const encoder = await openTextEncoder(parts['text-encoder'].graph, info('text-encoder'));
  const { channels, resolution, sigmaMax: sigma } = denoiser.info;
  const condition = await encoder.encode([new Array(encoder.info.positions).fill(1)]);
  const x = new Float64Array(channels * resolution ** 2).fill(1);
  const { denoised } = await denoiser.evaluate({ x, sigma, condition });
  const { images } = await decoder.decode(denoised);
  const { imageChannels, imageResolution } = decoder.info;
  expect(images).toHaveLength(imageChannels * imageResolution ** 2);
  expect(images.every(Number.isFinite)).toBe(true);
  await Promise.all([denoiser.close(), decoder.close(), encoder.close()]);

  const file = join(models, 'first-stage.safetensors');
  const prefix = 'first_stage_model.';
  const first = await readStateDict(join(root, 'packages/models/fixtures/sd-tiny.ckpt'), { prefix });
  writeFileSync(file, writeSafetensors(first));
  const alone = join(models, 'alone');
  const network = ['--network', '{ image_size: 16, scale_factor: 0.18215 }'];
  const { stdout: said } = await fewstep(['models', 'export', file, '--outdir', alone, ...network], { env });
  expect(said).toBe(`decoder: ${join(alone, 'decoder', 'model.onnx')}\n`);
  expect(readFileSync(join(alone, 'decoder/model.onnx'))).toEqual(readFileSync(parts.decoder.graph));
});

it('inspects a first stage of the registry by its name, and says how it is had where it isn’t here', async () => {
  const inspect = () => fewstep(['models', 'inspect', 'vq-f4', '--json'], { env });
  const missing = await inspect();
  expect([missing.code, missing.stderr]).toEqual([
    2,
    expect.stringMatching(
      /^E_FILE vq-f4 needs .*vq-f4\.zip, which is not there: fewstep models fetch vq-f4, or get vq-f4\.zip from https:/,
    ),
  ]);
  const path = join(models, 'vq-f4.zip');
  copyFileSync(join(root, 'packages/models/fixtures/tensors.nested.zip'), path);
  const { stdout } = await inspect();
  expect(JSON.parse(stdout)).toMatchObject({ file: path, format: expect.stringContaining('zip') });
});

it('exports a model of the registry that is here, and says how it is had where it isn’t', async () => {
  const outdir = join(models, 'onnx');
  const { code, stdout } = await fewstep(['models', 'export', 'digits', '--outdir', outdir], { env });
  expect([code, stdout]).toEqual([0, `denoiser: ${join(outdir, 'denoiser', 'model.onnx')}\n`]);
  mkdirSync(join(outdir, 'decoder')); // of another model
  const mixed = await fewstep(['models', 'export', 'digits', '--outdir', outdir], { env });
  expect([mixed.code, mixed.stderr]).toEqual([
    2,
    expect.stringMatching(/^E_RESULTS .*onnx has decoder\/ of/),
  ]);
  const missing = await fewstep(['models', 'export', 'cifar10', '--outdir', join(models, 'none')], { env });
  expect(missing.code).toBe(2);
  expect(missing.stderr).toMatch(
    /^E_FILE cifar10 needs .*: fewstep models fetch cifar10, or get edm-cifar10/,
  );
  expect(existsSync(join(models, 'none'))).toBe(false);
  const unknown = await fewstep(['models', 'export', 'nothing.pt', '--outdir', outdir], { cwd: root, env });
  expect([unknown.code, unknown.stderr]).toEqual([
    2,
    `E_FILE there is no nothing.pt (looked at ${join(root, 'nothing.pt')}), and the registry has no model of that name\n`,
  ]);
  const part = await fewstep(
    ['models', 'export', 'packages/models/fixtures/official-predictor.pkl', '--outdir', outdir],
    { env },
  );
  expect(part.code).toBe(2);
  expect(part.stderr).toMatch(/^E_CHECKPOINT .*official-predictor\.pkl: it is a dict without "ema"/);
});
