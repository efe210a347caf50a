import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOfText } from '../digest.js';
import type { Remote } from './remote.js';
import { sharedFiles } from './shared-files.js';
import { openStore } from './store.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-shared-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const text = 'what a task gave';
const output = { digest: digestOfText(text), size: text.length };
const file = async (name: string, content = text) => {
  await writeFile(join(dir, name), content);
  return join(dir, name);
};
async function* bytes() {
  yield Buffer.from(text);
}
function remote(): Remote & { readonly kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    has: async (name) => kept.has(name),
    get: async () => undefined,
    async put(name, { open }) {
      const parts: Uint8Array[] = [];
      for await (const part of open()) parts.push(part);
      kept.set(name, Buffer.concat(parts));
    },
  };
}

describe('files that machines share', () => {
  it('go into the remote from the store that has them, once, and again where that is asked for', async () => {
    const [store, shared] = [await openStore(join(dir, 'has')), remote()];
    const files = sharedFiles(store, shared);
    expect(await files.offer(output)).toBe(false);
    expect(await store.keep({ out: await file('out') }, { out: 'file' })).toEqual({ out: output });
    expect(await files.offer(output)).toBe(true);
    const name = `blobs/${output.digest}`;
    expect(Buffer.from(shared.kept.get(name)!).toString()).toBe(text);
    shared.kept.set(name, Buffer.from('damaged'));
    expect(await files.offer(output)).toBe(true);
    expect(Buffer.from(shared.kept.get(name)!).toString()).toBe('damaged');
    expect(await files.offer(output, { anew: true })).toBe(true);
    expect(Buffer.from(shared.kept.get(name)!).toString()).toBe(text);
  });

  it('are there where another machine has put them, which is believed of those that it names', async () => {
    const [store, shared] = [await openStore(join(dir, 'empty')), remote()];
    await shared.put(`blobs/${output.digest}`, { size: output.size, open: bytes }, AbortSignal.timeout(1000));
    expect(await sharedFiles(store, shared).offer(output)).toBe(true);
    const trusting = sharedFiles(store, remote());
    trusting.trust([output]);
    expect(await trusting.offer(output)).toBe(true);
  });

  it('from outside are of the bytes that their digest says, and no more of them than may travel', async () => {
    const store = await openStore(join(dir, 'outside'));
    const path = await file('weights');
    for (const shared of [remote(), undefined]) {
      const files = sharedFiles(store, shared);
      expect(await files.offerOutside(digestOfText('other'), path, { mostBytes: 100 })).toBeUndefined();
      expect(await files.offerOutside(output.digest, path, { mostBytes: 3 })).toBeUndefined();
      expect(await files.offerOutside(output.digest, dir, { mostBytes: 1e9 })).toBeUndefined();
      expect(await files.offerOutside(output.digest, path, { mostBytes: 100 })).toEqual(output);
      if (shared) expect([...shared.kept.keys()]).toEqual([`blobs/${output.digest}`]);
      else expect(await store.blob(output)).toBe(store.pathOf(output));
    }
  });
});

it('a result of another machine is recorded as that machine says, without its files', async () => {
  const store = await openStore(join(dir, 'by'));
  const by = { host: 'far', node: 'v20.0.0', startedAt: '2026-01-01T00:00:00.000Z', seconds: 7 };
  const key = digestOfText('key');
  const { record } = await store.publish({
    ...{ key, components: { kind: 'k', params: {}, inputs: {}, versions: {} } },
    ...{ files: { out: output }, outputs: { out: 'file' as const }, meta: {} },
    ...{ startedAt: new Date(), device: 'gpu', by },
  });
  expect(record).toMatchObject({ outputs: { out: output }, provenance: { ...by, device: 'gpu' } });
  expect(await store.lookup(key, { out: 'file' })).toBeUndefined();
  await store.receive(output, bytes());
  expect(await store.lookup(key, { out: 'file' })).toMatchObject({ record, source: 'local' });
  const nothing = { out: { ...output, size: 0 } };
  await expect(store.keep(nothing, { out: 'file' })).rejects.toMatchObject({ code: 'E_TASK_OUTPUT' });
});
