import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ModelFile } from '../experiment/published-models.js';
import { fetchFile } from './fetch-file.js';

/** A pickle, as far as its first bytes tell. */
const pickle = (text: string) => Buffer.from(`\x80\x04${text}`, 'latin1');
const digest = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');

let folder: string;
let server: Server;
let content: Buffer | string;
let status: number;
let file: ModelFile;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fewstep-fetch-'));
  content = pickle('weights');
  status = 200;
  server = createServer((_, response) => {
    response.writeHead(status, { 'content-length': content.length }).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.pkl`;
  file = { name: 'model.pkl', address, licence: 'free', note: 'a note' };
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const path = () => join(folder, 'model.pkl');
const record = () => `${path()}.sha256`;

it('writes the digest beside the file, as sha256sum does, and holds the file to it', async () => {
  expect(await fetchFile(file, folder)).toEqual({
    path: path(),
    sha256: digest(pickle('weights')),
    state: 'downloaded',
  });
  expect(readFileSync(record(), 'utf8')).toBe(`${digest(pickle('weights'))}  model.pkl\n`);
  expect(readdirSync(folder).sort()).toEqual(['model.pkl', 'model.pkl.sha256']);
  status = 500; // asked no more
  expect(await fetchFile(file, folder)).toMatchObject({ state: 'verified' });
  writeFileSync(path(), pickle('weighty'));
  await expect(fetchFile(file, folder)).rejects.toMatchObject({
    code: 'E_CHECKSUM',
    exitCode: 1,
    message: `${path()}: its sha256 is ${digest(pickle('weighty'))}, not ${digest(pickle('weights'))} as recorded in ${record()}. Move the file away and fetch it again; if these bytes are the right ones, remove that record first.`,
    evidence: { path: path(), expected: digest(pickle('weights')), found: digest(pickle('weighty')) },
  });
  expect(readFileSync(path()).equals(pickle('weighty'))).toBe(true);
});

it('holds a later download to the first', async () => {
  await fetchFile(file, folder);
  rmSync(path());
  content = pickle('WEIGHTS');
  await expect(fetchFile(file, folder)).rejects.toMatchObject({ code: 'E_CHECKSUM' });
  expect(readdirSync(folder)).toEqual(['model.pkl.sha256']);
});

it('records what was put there by hand', async () => {
  writeFileSync(path(), pickle('weights'));
  expect(await fetchFile(file, folder)).toMatchObject({ state: 'found', sha256: digest(pickle('weights')) });
  expect(await fetchFile(file, folder)).toMatchObject({ state: 'verified' });
});

it('takes the digest that is given, before the one recorded', async () => {
  const expected = digest(pickle('weights'));
  await expect(fetchFile(file, folder, { expected: digest('others') })).rejects.toMatchObject({
    code: 'E_CHECKSUM',
    message: expect.stringContaining('as given. It was not kept; if'),
  });
  expect(readdirSync(folder)).toEqual([]);
  writeFileSync(record(), digest('others'));
  await fetchFile(file, folder, { expected });
  expect(readFileSync(record(), 'utf8')).toBe(`${expected}  model.pkl\n`);
  expect(await fetchFile(file, folder, { expected })).toMatchObject({ state: 'verified' });
});

it('holds a file to the digits in its name, when it comes and when it is found', async () => {
  const named = { ...file, sha256: digest(pickle('weights')).slice(0, 8) };
  expect(await fetchFile(named, folder)).toMatchObject({ state: 'downloaded' });
  rmSync(path());
  rmSync(record());
  content = pickle('WEIGHTS');
  const refusal = {
    code: 'E_CHECKSUM',
    exitCode: 1,
    message: expect.stringContaining(`does not begin with ${named.sha256} as published. It was not kept`),
    evidence: { path: path(), expected: named.sha256, found: digest(pickle('WEIGHTS')) },
  };
  await expect(fetchFile(named, folder)).rejects.toMatchObject(refusal);
  expect(readdirSync(folder)).toEqual([]);
  writeFileSync(path(), pickle('weighty'));
  await expect(fetchFile(named, folder)).rejects.toMatchObject({ code: 'E_CHECKSUM' });
  expect(await fetchFile(named, folder, { expected: digest(pickle('weighty')) })).toMatchObject({
    state: 'verified',
  });
});

const npz = `PK\x03\x04…PK\x05\x06${'\0'.repeat(18)}`;
const safetensors = '\x08\0\0\0\0\0\0\0{}      ';
const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n';
const page = '\n<!doctype html>\n<title>Sign in</title>';

it.each([
  [
    'model.pkl',
    page,
    'a page of HTML or XML, as a login or a gateway puts in its place (it begins with "<!doctype html>")',
  ],
  ['model.pkl', '\ufeff<?xml version="1.0"?><Error>Access denied', 'a page of HTML or XML'],
  [
    'model.pt',
    pointer,
    'a pointer of Git LFS, and not the file that it stands for (it begins with "version https',
  ],
  [
    'model.safetensors',
    '{"error": "gated"}',
    'JSON, as a server says what went wrong (it begins with "{\\"error',
  ],
  ['captions.csv', page, 'a page of HTML or XML'],
  ['captions.csv', pointer, 'a pointer of Git LFS'],
  ['captions.csv', '[]', 'JSON'],
  ['graph.onnx', 'Access denied\u001b[2J', 'no onnx file (it begins with "Access denied\\u001b[2J"'],
  ['data.npz', '\x80\x04.', 'no npz file'],
  ['data.npz', npz.slice(0, 7), 'a zip archive without its end, as a download that broke off'],
  ['model.pt', npz.slice(0, 7), 'a zip archive without its end'],
  ['model.ckpt', 'Virus scan warning', 'no ckpt file (it begins with "Virus scan warning")'],
  ['image.png', 'GIF89a', 'no png file'],
])(
  'does not take for %s what holds something else, when it comes or when it is found',
  async (name, text, holds) => {
    const wanted = { ...file, name };
    content = Buffer.from(text);
    await expect(fetchFile(wanted, folder)).rejects.toMatchObject({
      code: 'E_DOWNLOAD',
      exitCode: 1,
      message: expect.stringContaining(`${name} could not be downloaded: what came holds ${holds}`),
      evidence: { found: expect.stringContaining(holds) },
    });
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(join(folder, name), text);
    const refusal = (more: string) => ({ code: 'E_FILE', exitCode: 1, message: expect.stringMatching(more) });
    await expect(fetchFile(wanted, folder)).rejects.toMatchObject(
      refusal('Move the file away and fetch it again.$'),
    );
    // as an earlier version took it for the file
    writeFileSync(join(folder, `${name}.sha256`), digest(text));
    await expect(fetchFile(wanted, folder)).rejects.toMatchObject(
      refusal(`Move the file and its record .*${name}.sha256 away`),
    );
    expect(await fetchFile(wanted, folder, { expected: digest(text) })).toMatchObject({ state: 'verified' });
  },
);

it.each([
  ['model.pt', npz],
  ['model.pth', '\x80\x02\x8a\n'],
  ['MODEL.CKPT', npz],
  ['data.npz', npz],
  ['data.zip', npz],
  ['model.safetensors', safetensors],
  ['graph.onnx', '\x08\x08\x12'],
  ['image.png', '\x89PNG\r\n'],
  ['captions.csv', 'text\n"<b> and {"\n'],
])('takes %s that begins as such a file', async (name, text) => {
  content = Buffer.from(text, 'latin1');
  expect(await fetchFile({ ...file, name }, folder)).toMatchObject({ state: 'downloaded' });
});

it('says that a file that is here is empty', async () => {
  writeFileSync(path(), '');
  await expect(fetchFile(file, folder)).rejects.toMatchObject({
    code: 'E_FILE',
    message: `${path()} holds nothing: the file is empty. Move the file away and fetch it again.`,
  });
});

it('says what to get from where and where to put it when it can’t', async () => {
  status = 404;
  await expect(fetchFile(file, folder)).rejects.toMatchObject({
    code: 'E_DOWNLOAD',
    exitCode: 1,
    message: `${path()} could not be downloaded from ${file.address}: the server answers 404. By hand: get model.pkl from ${file.address} (free; a note) and put it at ${path()}`,
    evidence: { status: 404 },
  });
  const { address: _, ...without } = file;
  await expect(fetchFile(without, folder)).rejects.toMatchObject({
    code: 'E_DOWNLOAD',
    message: `${path()} has no address to be downloaded from: get model.pkl (free; a note) and put it at ${path()}`,
  });
});

it('leaves no record of a file without address', async () => {
  const { address: _, ...without } = file;
  writeFileSync(path(), pickle('weights'));
  expect(await fetchFile(without, folder)).toMatchObject({
    state: 'found',
    sha256: digest(pickle('weights')),
  });
  expect(existsSync(record())).toBe(false);
});

it('says that a folder is no file', async () => {
  mkdirSync(path());
  await expect(fetchFile(file, folder)).rejects.toMatchObject({
    code: 'E_FILE',
    message: expect.stringContaining('EISDIR'),
  });
});
