import { expect, it } from 'vitest';
import { fewstep } from './command-line.js';

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
    /^--network \{ noise_schedule: cosin \} E_SPEC noise_schedule: .*did you mean "cosine"/,
  );
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
