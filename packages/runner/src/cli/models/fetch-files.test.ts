import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { NeededFile } from '../../experiment/experiment.js';
import { problem } from '../../experiment/problem.js';
import { fetchNeeded } from './fetch-files.js';

const content = Buffer.from('\x80\x04weights', 'latin1');
const asked: string[] = [];
/** What the server gives, by name. */
const answers: Record<string, RequestListener> = {
  'ranges.pkl': ({ headers: { range } }, response) => {
    if (range === 'bytes=0-0')
      response.writeHead(206, { 'content-range': `bytes 0-0/${content.length}` }).end(content.subarray(0, 1));
    else response.writeHead(200, { 'content-length': content.length }).end(content);
  },
  'whole.pkl': (_, response) =>
    void response.writeHead(200, { 'content-length': content.length }).end(content),
  'unmeasured.pkl': (_, response) => {
    response.write(content.subarray(0, 4));
    response.end(content.subarray(4));
  },
  'gone.pkl': (_, response) => void response.writeHead(404).end('gone'),
  'huge.pkl': (_, response) =>
    void response.writeHead(206, { 'content-range': 'bytes 0-0/9000000000000000' }).end('x'),
};

let folder: string;
let server: Server;
let said: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fewstep-fetch-'));
  said = '';
  asked.length = 0;
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
  server = createServer((request, response) => {
    const name = request.url!.slice(1);
    asked.push([name, request.headers.range].filter(Boolean).join(' '));
    answers[name]!(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  vi.restoreAllMocks();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const place = { file: 'a.yaml', line: 1, column: 1, layer: 0 } as const;
function needed(name: string, address = true, bytes?: number): NeededFile {
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`;
  const file = {
    name,
    licence: 'free',
    ...(address && { address: at }),
    ...(bytes !== undefined && { bytes }),
  };
  return {
    role: 'checkpoint',
    path: join(folder, 'models', name),
    published: { dataset: 'cifar10', file },
    ifMissing: problem(place, 'dataset', 'is not there'),
  };
}

it('tells how much is to come, then gets it; what can’t be had keeps nothing else away', async () => {
  const { published: _, ...own } = needed('own.pkl');
  const files = ['gone.pkl', 'ranges.pkl', 'whole.pkl'].map((name) => needed(name));
  const none = needed('none.pkl', false);
  const { path } = needed('whole.pkl');
  await expect(fetchNeeded([{ files: [...files, own] }, { files: [files[1]!, none] }])).rejects.toMatchObject(
    {
      code: 'E_DOWNLOAD',
      exitCode: 1,
      evidence: {
        lines: [
          expect.stringMatching(
            /gone\.pkl could not be downloaded from .*: the server answers 404\. By hand: get/,
          ),
          expect.stringMatching(
            /^E_DOWNLOAD .*none\.pkl has no address to be downloaded from: get none\.pkl/,
          ),
        ],
      },
    },
  );
  expect(said.split('\n').slice(0, 4)).toEqual([
    'gone.pkl: its server tells no length',
    'ranges.pkl: 0.0 MB',
    'whole.pkl: 0.0 MB',
    expect.stringMatching(/^to download: 3 files, at least 0\.0 MB; .*models has \d+\.\d MB free$/),
  ]);
  expect(said).toMatch(/models\/whole\.pkl: downloaded, its sha256 is [0-9a-f]{64}\n/);
  expect(readFileSync(path)).toEqual(content);
  expect(readdirSync(join(folder, 'models')).sort()).toEqual(
    ['ranges.pkl', 'whole.pkl'].flatMap((name) => [name, `${name}.sha256`]),
  );
  expect(asked.slice(0, 3).sort()).toEqual([
    'gone.pkl bytes=0-0',
    'ranges.pkl bytes=0-0',
    'whole.pkl bytes=0-0',
  ]);
  expect(asked.slice(3)).toEqual(['gone.pkl', 'ranges.pkl', 'whole.pkl']);

  writeFileSync(path, 'another'); // what is here is kept, and asked for no more
  asked.length = 0;
  said = '';
  await fetchNeeded([{ files: files.slice(1) }]);
  expect([asked, said, readFileSync(path, 'utf8')]).toEqual([[], '', 'another']);
});

it('takes a length from the registry where the server tells none', async () => {
  await fetchNeeded([{ files: [needed('unmeasured.pkl', true, 2_500_000)] }]);
  expect(said).toMatch(/^unmeasured\.pkl: 2\.5 MB\nto download: 1 file, 2\.5 MB; /);
  expect(readFileSync(join(folder, 'models/unmeasured.pkl'))).toEqual(content);
});

it('begins nothing that the disk has no room for', async () => {
  await expect(fetchNeeded([{ files: [needed('huge.pkl'), needed('whole.pkl')] }])).rejects.toMatchObject({
    code: 'E_DOWNLOAD',
    exitCode: 1,
    message: expect.stringMatching(/ MB free, and 9000000000\.0 MB are to come: .* FEWSTEP_MODELS/),
    evidence: { bytes: 9e15 + content.length },
  });
  expect(asked.sort()).toEqual(['huge.pkl bytes=0-0', 'whole.pkl bytes=0-0']);
  expect(existsSync(join(folder, 'models'))).toBe(false);
});
