import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  digestOfText,
  type Job,
  keyOf,
  kind,
  one,
  optional,
  params,
  type SharedFiles,
} from '@fewstep/taskgraph';
import { expect, it } from 'vitest';
import { idOf, messageOf, parseMessage, parseOutcome, parseState, unbegun } from './message.js';

const [a, b] = ['a', 'b'].map(digestOfText) as [string, string];
const components = { kind: 'sum', params: { n: 1 }, inputs: { left: [a] }, versions: { task: '1' } };
const message = {
  ...{ key: keyOf(components), kind: 'sum', params: { n: 1 }, versions: { task: '1' }, hints: {} },
  inputs: { left: [{ digest: a, size: 3, name: 'left.onnx' }] },
};
const id = idOf(message.key);

it('a task is taken for what its key says, and for nothing else', () => {
  expect(parseMessage(JSON.parse(JSON.stringify(message)), id)).toEqual(message);
  const wrong: [string, unknown][] = [
    ['nothing', null],
    ['another key', { ...message, key: b }],
    ['other parameters', { ...message, params: { n: 2 } }],
    ['other contents', { ...message, inputs: { left: [{ digest: b, size: 3 }] } }],
    ['other versions', { ...message, versions: { task: '2' } }],
    ['a name that leads elsewhere', { ...message, inputs: { left: [{ digest: a, size: 3, name: '../x' }] } }],
    ['no size', { ...message, inputs: { left: [{ digest: a }] } }],
    ['no list', { ...message, inputs: { left: { digest: a, size: 3 } } }],
  ];
  for (const [what, data] of wrong)
    expect(() => parseMessage(data, id), what).toThrow(expect.objectContaining({ code: 'E_QUEUE' }));
  expect(() => parseMessage(message, idOf(b))).toThrow(expect.objectContaining({ code: 'E_QUEUE' }));
});

it('what is no outcome is a failure, and what is none of a state is left out', () => {
  const by = { host: 'h', node: 'v20', startedAt: '2026-01-01T00:00:00.000Z', seconds: 1 };
  const good = { outputs: { out: { digest: a, size: 3 } }, meta: {}, device: { type: 'cpu' }, by };
  expect(parseOutcome(good)).toEqual(good);
  for (const bad of [
    null,
    'x',
    {},
    { ...good, outputs: { out: { digest: 'x', size: 3 } } },
    { ...good, by: {} },
  ])
    expect(parseOutcome(bad)).toMatchObject({ error: { code: 'E_QUEUE', exitCode: 1 } });
  expect(
    parseOutcome({
      error: { code: 'E_X', message: 'm', exitCode: 77, lost: { digest: a, size: 1, more: 1 } },
    }),
  ).toEqual({
    error: { code: 'E_X', message: 'm', exitCode: 1, lost: { digest: a, size: 1 } },
  });
  expect(parseOutcome({ error: { code: 'rm -rf', message: 'm' } })).toMatchObject({
    error: { code: 'E_QUEUE' },
  });
  expect(parseState(0)).toEqual(unbegun);
  expect(
    parseState({ begun: [{ id: 1 }, { id: 'i', worker: 'w', at: 't' }], refusals: [1, 'no'], done: 'x' }),
  ).toEqual({
    ...{ begun: [{ id: 'i', worker: 'w', at: 't' }], refusals: ['no'], warnings: [] },
  });
});

it('a task is sent by digests; code, and what is more than a file, stays where it is', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fewstep-message-'));
  const file = join(dir, 'net.onnx');
  await writeFile(file, 'abc');
  const offered: string[] = [];
  const files = {
    async offerOutside(digest: string, path: string) {
      offered.push(path);
      return digest === a ? { digest, size: 3 } : undefined;
    },
  } as unknown as SharedFiles;
  const sum = kind({
    ...{ name: 'sum', revision: 1, packages: [], params: params(), outputs: { out: 'file' } },
    ...{ inputs: { left: one, method: optional }, code: ['method'], run: async () => ({}) },
  });
  const job = (inputs: Job['inputs']) =>
    ({
      key: message.key,
      kind: sum,
      versions: { task: '1' },
      params: { n: 1 },
      hints: {},
      inputs,
    }) as unknown as Job;
  expect(await messageOf(job({ left: [{ digest: a, file }] }), files)).toEqual({
    ...message,
    inputs: { left: [{ digest: a, size: 3, name: 'net.onnx' }] },
  });
  expect(await messageOf(job({ left: [{ digest: b, size: 9 }] }), files)).toMatchObject({
    inputs: { left: [{ digest: b, size: 9 }] },
  });
  expect(await messageOf(job({ left: [{ digest: b, file: dir }] }), files)).toBeUndefined();
  expect(offered).toEqual([file, dir]);
  expect(
    await messageOf(job({ left: [{ digest: a, file }], method: [{ digest: a, file }] }), files),
  ).toBeUndefined();
  expect(offered).toHaveLength(2);
  await rm(dir, { recursive: true });
});
