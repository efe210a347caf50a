import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finished, fewstep } from './command-line.js';
import { plain } from './faults/small-store.js';

const password = 'pa55-of-nobody-else';
const token = 'token-of-nobody-else';
const signature = 'signature-of-nobody-else';
const queue = `redis://me:${password}@127.0.0.1:6379/0`;
const env = { SOME_TOKEN: token, AWS_SECRET_ACCESS_KEY: signature, REDIS_URL: queue };

/** An executor that says all it knows, in each way that it has: of what it computes on, in a warning, in an error. */
const talkative = `
export const executor = ({ place, here }) => ({
  slots: 1,
  async run(job) {
    const all = \`\${place}?sig=\${process.env.AWS_SECRET_ACCESS_KEY} \${process.env.SOME_TOKEN}\`;
    job.onWarning(all);
    if (job.kind.name === 'samples') throw new Error('refused: ' + all);
    return { ...(await here.run(job)), device: { type: 'queue', place, all: [all] } };
  },
  close: async () => {},
});
const no = async () => { throw new Error(\`\${process.env.REDIS_URL} is down for \${process.env.SOME_TOKEN}\`); };
export const cache = () => ({ has: no, get: no, put: no });
`;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-secrets-'));
  const folder = join(dir, 'node_modules/@lab/talkative');
  await mkdir(folder, { recursive: true });
  const manifest = { name: '@lab/talkative', version: '1.0.0', type: 'module', exports: './index.js' };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(folder, 'index.js'), talkative);
  await writeFile(join(dir, 'spec.yaml'), plain());
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** All that a command said, and all that it wrote. */
async function heard({ stdout, stderr }: Finished): Promise<string> {
  const written = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = written.filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'));
  const texts = await Promise.all(
    files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')),
  );
  return [stdout, stderr, ...files.map(({ name }) => name), ...texts].join('\n');
}

describe('no secret is said, and none is written', () => {
  it('by a run whose executor and cache tell of theirs', async () => {
    const plugins = ['--executor', `@lab/talkative:${queue}`, '--cache', `@lab/talkative:${queue}`];
    const finished = await fewstep(['run', 'spec.yaml', '--json', ...plugins], { cwd: dir, env });
    expect(finished.code).toBe(1);
    const all = await heard(finished);
    expect([password, token, signature].filter((secret) => all.includes(secret))).toEqual([]);
    // and yet it is said what fails
    expect(finished.stderr).toContain(
      'the cache @lab/talkative fails (redis://…@127.0.0.1:6379/0 is down for …)',
    );
    expect(finished.stderr).toContain('warning: denoiser from');
    const report = JSON.parse(await readFile(join(dir, 'results/small/report.json'), 'utf8'));
    expect(report.failures[0].message).toBe('refused: redis://…@127.0.0.1:6379/0?… …');
    expect(all.includes('"place": "redis://…@127.0.0.1:6379/0"')).toBe(true);
  });

  it('by a plan whose spec takes an address for a path', async () => {
    const checkpoint = `https://me:${password}@host/a.pkl?token=${token}`;
    await writeFile(join(dir, 'address.yaml'), plain({ checkpoint }));
    const { code, stdout } = await fewstep(['plan', 'address.yaml', '--json'], { cwd: dir });
    await rm(join(dir, 'address.yaml'));
    expect([code, stdout]).toEqual([0, expect.stringContaining('https:/…@host/a.pkl?…')]);
    expect([password, token].filter((secret) => stdout.includes(secret))).toEqual([]);
  });

  it('by a download through a proxy that takes none', async () => {
    const proxy = `http://me:${password}@127.0.0.1:1`;
    const through = { HTTPS_PROXY: proxy, https_proxy: proxy, NO_PROXY: '', no_proxy: '' };
    const finished = await fewstep(['models', 'fetch', 'inception', '--json'], {
      cwd: dir,
      env: { ...through, FEWSTEP_DEBUG: '1' },
    });
    expect([finished.code, finished.stderr]).toEqual([1, expect.stringContaining('ECONNREFUSED')]);
    expect((await heard(finished)).includes(password)).toBe(false);
  });
});
