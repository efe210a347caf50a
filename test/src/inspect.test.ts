import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fewstep, root } from './command-line.js';

const fixture = (name: string) => `packages/models/fixtures/${name}`;

it('says what a file of weights is', async () => {
  const { code, stdout } = await fewstep(['models', 'inspect', fixture('edm-ncsnpp-uncond.p2.pkl')]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/edm-ncsnpp-uncond\.p2\.pkl: edm\n {2}format {6}pickle, 494,565 bytes\n/);
  expect(stdout).toMatch(/^ {4}embedding_type: "fourier" \(file\)$/m);
});

it('says where each option was taken from, and what must be told', async () => {
  const { code, stdout } = await fewstep(['models', 'inspect', fixture('adm-diffusion.pt')]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ {2}family {6}adm \(file\)$/m);
  expect(stdout).toMatch(/^ {4}channel_mult: \[1,1\] \(file\)$/m);
  expect(stdout).toMatch(/^ {4}noise_schedule: linear or cosine \(asked\)$/m);
  expect(stdout).toMatch(/^ {2}problem {5}its weights don't show .*dataset\.network: \{ family: adm, /m);
});

it('is told what a spec would tell', async () => {
  const inspect = (network: string) =>
    fewstep(['models', 'inspect', fixture('adm-diffusion.pt'), '--network', network]);
  const { stdout } = await inspect('{ noise_schedule: cosine, image_size: 16 }');
  expect(stdout).toMatch(/^ {4}noise_schedule: "cosine" \(spec\)$/m);
  expect(stdout).not.toMatch(/image_size: .*\(asked\)/);
  const wrong = await inspect('{ noise_schedule: cosin }');
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toMatch(
    /^--network \{ noise_schedule: cosin \} E_SPEC dataset\.network\.noise_schedule: .*did you mean "cosine"/,
  );
});

it('says of every option of a latent model where it is from', async () => {
  const { code, stdout } = await fewstep([
    'models',
    'inspect',
    fixture('sd-tiny.ckpt'),
    '--network',
    '{ image_size: 16 }',
  ]);
  expect(code).toBe(0);
  const options = stdout.slice(stdout.indexOf('  options\n')).trimEnd().split('\n').slice(1);
  expect(options).toHaveLength(17);
  for (const line of options) expect(line).toMatch(/^ {4}\w+: .* \((file|spec|asked)\)$/);
  expect(options).toContain('    num_head_channels: 32 or 64 (asked)');
  expect(options).toContain('    image_size: 16 (spec)');
});

it('says of a folder of ONNX files what it is, and of each graph', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fewstep-'));
  const digits = join(root, 'experiments/digits/digits-features.onnx');
  for (const part of ['unet', 'vae_decoder']) {
    await mkdir(join(folder, part));
    await copyFile(digits, join(folder, part, 'model.onnx'));
  }
  await writeFile(join(folder, 'unet/config.json'), '{ "in_channels": 1 }');
  const { code, stdout } = await fewstep(['models', 'inspect', folder]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /: a folder of ONNX files\n {2}options\n {4}checkpoint: ".*unet\/model\.onnx" \(file\)\n/,
  );
  expect(stdout).toMatch(/^ {4}channels: 1 \(config\)$/m);
  expect(stdout).toMatch(/vae_decoder\/model\.onnx: an ONNX graph\n {2}format {6}ONNX, /);
  await rm(folder, { recursive: true });
});

it('says it as JSON, and of a zip in a zip', async () => {
  const { stdout } = await fewstep(['models', 'inspect', fixture('tensors.nested.zip'), '--json']);
  expect(JSON.parse(stdout)).toMatchObject({
    format: 'zip of PyTorch zip',
    tensors: 19,
    dtypes: { BF16: 1 },
  });
});

it('names what it can’t read, with exit code 2', async () => {
  const { code, stderr } = await fewstep(['models', 'inspect', 'package.json']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^E_CHECKPOINT package\.json: it is JSON text/);
});
