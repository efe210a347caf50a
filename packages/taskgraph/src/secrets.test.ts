import { afterEach, describe, expect, it, vi } from 'vitest';
import { TaskgraphError } from './errors.js';
import { withoutSecrets } from './secrets.js';

afterEach(() => vi.unstubAllEnvs());

describe('a text has no secret of', () => {
  it.each([
    ['redis://:s3cr3t@host:6379/0 refuses', 'redis://…@host:6379/0 refuses'],
    ['(rediss://user:p@ss:w0rd@host)', '(rediss://…@host)'],
    ['get https://host/a.pt?X-Amz-Signature=ab12&y=1, or', 'get https://host/a.pt?… or'],
    ['"https://host/#access_token=ab"', '"https://host/?…"'],
    ['HTTPS://A@HOST/x and s3://b/k?v=1', 'HTTPS://…@HOST/x and s3://b/k?…'],
    ['no /x/https:/me:s3cr3t@host/a.pt?token=b', 'no /x/https:/…@host/a.pt?…'],
    ['Authorization: Bearer abcdef.123-45', 'Authorization: Bearer …'],
    [
      'hf_abcdefghijklmnopQR, ghp_ABCDEFGHIJKLMNOP12 and github_pat_11ABCDEFGHIJKLMNOP_qr',
      'hf_…, ghp_… and github_pat_…',
    ],
  ])('%s', (text, safe) => {
    expect(withoutSecrets(text)).toBe(safe);
  });

  it.each([
    'https://host:80/a/b@c.pt, a@b.c and what? is: //x',
    'hf_checkpoints/ghost_stories of the bearer of num_steps 4, "a ? b"',
    'C:\\models\\a.pt and C:/models/me@home/a.pt and C://me@home/a.pt',
  ])('none, and so it stays: %s', (text) => {
    expect(withoutSecrets(text)).toBe(text);
  });

  it('the environment, also where an address there has a password', async () => {
    vi.stubEnv('TURBO_TOKEN', 'open sesame');
    vi.stubEnv('A_SECRET', 'open sesame, please');
    vi.stubEnv('SHORT_KEY', 'open');
    vi.stubEnv('REDIS_URL', 'redis://me:caf%C3%A9-caf%C3%A9@host');
    vi.resetModules();
    const { withoutSecrets } = await import('./secrets.js');
    expect(withoutSecrets('[open sesame, please] [open sesame] [open]')).toBe('[…] […] [open]');
    expect(withoutSecrets('AUTH café-café, caf%C3%A9-caf%C3%A9')).toBe('AUTH …, …');
  });

  it('an error', () => {
    const { message } = new TaskgraphError('E_TASK_FAILED', 'connect redis://:s3cr3t@host');
    expect(message).toBe('connect redis://…@host');
  });
});
