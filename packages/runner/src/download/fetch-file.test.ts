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

const digest = (text: string) => createHash('sha256').update(text).digest('hex');

let folder: string;
let server: Server;
let content: string;
let status: number;
let file: ModelFile;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fewstep-fetch-'));
  content = 'weights';
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
    sha256: digest('weights'),
    state: 'downloaded',
  });
  expect(readFileSync(record(), 'utf8')).toBe(`${digest('weights')}  model.pkl\n`);
  expect(readdirSync(folder).sort()).toEqual(['model.pkl', 'model.pkl.sha256']);
  status = 500; // asked no more
  expect(await fetchFile(file, folder)).toMatchObject({ state: 'verified' });
  writeFileSync(path(), 'weighty');
  await expect(fetchFile(file, folder)).rejects.toMatchObject({
    code: 'E_CHECKSUM',
    exitCode: 1,
    message: `${path()}: its sha256 is ${digest('weighty')}, not ${digest('weights')} as recorded in ${record()}. Move the file away and fetch it again; if these bytes are the right ones, remove that record first.`,
    evidence: { path: path(), expected: digest('weights'), found: digest('weighty') },
  });
  expect(readFileSync(path(), 'utf8')).toBe('weighty');
});

it('holds a later download to the first', async () => {
  await fetchFile(file, folder);
  rmSync(path());
  content = 'WEIGHTS';
  await expect(fetchFile(file, folder)).rejects.toMatchObject({ code: 'E_CHECKSUM' });
  expect(readdirSync(folder)).toEqual(['model.pkl.sha256']);
});

it('records what was put there by hand', async () => {
  writeFileSync(path(), 'weights');
  expect(await fetchFile(file, folder)).toMatchObject({ state: 'found', sha256: digest('weights') });
  expect(await fetchFile(file, folder)).toMatchObject({ state: 'verified' });
});

it('takes the digest that is given, before the one recorded', async () => {
  const expected = digest('weights');
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
  const named = { ...file, sha256: digest('weights').slice(0, 8) };
  expect(await fetchFile(named, folder)).toMatchObject({ state: 'downloaded' });
  rmSync(path());
  rmSync(record());
  content = 'WEIGHTS';
  const refusal = {
    code: 'E_CHECKSUM',
    exitCode: 1,
    message: expect.stringContaining(`does not begin with ${named.sha256} as its name says. It was not kept`),
    evidence: { path: path(), expected: named.sha256, found: digest('WEIGHTS') },
  };
  await expect(fetchFile(named, folder)).rejects.toMatchObject(refusal);
  expect(readdirSync(folder)).toEqual([]);
  writeFileSync(path(), 'weighty');
  await expect(fetchFile(named, folder)).rejects.toMatchObject({ code: 'E_CHECKSUM' });
  expect(await fetchFile(named, folder, { expected: digest('weighty') })).toMatchObject({
    state: 'verified',
  });
});

it('does not take a web page for the file', async () => {
  content = '\n<!doctype html>';
  await expect(fetchFile(file, folder)).rejects.toMatchObject({
    code: 'E_DOWNLOAD',
    message: expect.stringContaining('a web page'),
  });
  expect(readdirSync(folder)).toEqual([]);
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
  writeFileSync(path(), 'weights');
  expect(await fetchFile(without, folder)).toMatchObject({ state: 'found', sha256: digest('weights') });
  expect(existsSync(record())).toBe(false);
});

it('says that a folder is no file', async () => {
  mkdirSync(path());
  await expect(fetchFile(file, folder)).rejects.toMatchObject({
    code: 'E_FILE',
    message: expect.stringContaining('EISDIR'),
  });
});
