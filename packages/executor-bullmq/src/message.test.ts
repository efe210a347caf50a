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
import { afterEach, expect, it, vi } from 'vitest';
import {
  idOf,
  messageOf,
  type Outcome,
  parseMessage,
  parseOutcome,
  parseState,
  sealed,
  unbegun,
} from './message.js';

afterEach(() => vi.unstubAllEnvs());

const [a, b] = ['a', 'b'].map(digestOfText) as [string, string];
const components = { kind: 'sum', params: { n: 1 }, inputs: { left: [a] }, versions: { task: '1' } };
const message = {
  ...{ key: keyOf(components), kind: 'sum', params: { n: 1 }, versions: { task: '1' }, hints: {} },
  inputs: { left: [{ digest: a, size: 3, name: 'left.onnx' }] },
};
const id = idOf(message.key);

/** A value that no recursion gets to the end of. */
const endless = () => {
  let nested: unknown = 1;
  for (let i = 0; i < 50_000; i++) nested = [nested];
  return nested;
};

it('a task is taken for what its key says, and for nothing else', () => {
  expect(parseMessage(JSON.parse(JSON.stringify(message)), id)).toEqual(message);
  const wrong: [string, unknown][] = [
    ['nothing', null],
    ['another key', { ...message, key: b }],
    ['other parameters', { ...message, params: { n: 2 } }],
    ['other contents', { ...message, inputs: { left: [{ digest: b, size: 3 }] } }],
    ['parameters without end', { ...message, params: endless() }],
    ['other versions', { ...message, versions: { task: '2' } }],
    ['a name that leads elsewhere', { ...message, inputs: { left: [{ digest: a, size: 3, name: '../x' }] } }],
    ['no size', { ...message, inputs: { left: [{ digest: a }] } }],
    ['no list', { ...message, inputs: { left: { digest: a, size: 3 } } }],
  ];
  for (const [what, data] of wrong)
    expect(() => parseMessage(data, id), what).toThrow(expect.objectContaining({ code: 'E_QUEUE' }));
  expect(() => parseMessage(message, idOf(b))).toThrow(expect.objectContaining({ code: 'E_QUEUE' }));
});

it('an outcome counts of the task that it is of, whole, and by whoever has the laboratory’s key', () => {
  const by = { host: 'h', node: 'v20', startedAt: '2026-01-01T00:00:00.000Z', seconds: 1 };
  const good = { outputs: { out: { digest: a, size: 3 } }, meta: { n: 1 }, device: { type: 'cpu' }, by };
  vi.stubEnv('FEWSTEP_CACHE_KEY', 'of the laboratory');
  const sent = JSON.parse(JSON.stringify(sealed(message.key, good)));
  expect(parseOutcome(sent, message.key)).toEqual(good);
  expect(parseOutcome(sent, b)).toBeUndefined();
  expect(parseOutcome({ ...sent, outcome: { ...good, meta: { n: 2 } } }, message.key)).toBeUndefined();
  expect(parseOutcome({ ...sent, outcome: endless() }, message.key)).toBeUndefined();
  vi.stubEnv('FEWSTEP_CACHE_KEY', undefined);
  expect(parseOutcome(sent, message.key)).toBeUndefined();
  const parsed = (outcome: unknown) => parseOutcome(sealed(message.key, outcome as Outcome), message.key);
  for (const bad of [
    null,
    'x',
    {},
    { ...good, outputs: { out: { digest: 'x', size: 3 } } },
    { ...good, by: {} },
  ])
    expect(parsed(bad)).toBeUndefined();
  expect(parsed({ error: { code: 'rm -rf', message: 'm' } })).toBeUndefined();
  const lost = { digest: a, size: 1 };
  const failure = { code: 'E_X', message: 'm', exitCode: 77, lost: { ...lost, more: 1 } };
  expect(parsed({ error: failure })).toEqual({ error: { ...failure, exitCode: 1, lost } });
});

it('what is none of a state is left out', () => {
  expect(parseState(0)).toEqual(unbegun);
  const begun = { id: 'i', worker: 'w', at: 't' };
  expect(parseState({ begun: [{ id: 1 }, begun], refusals: [1, 'no'], done: 'x' })).toEqual({
    ...{ begun: [begun], refusals: ['no'], warnings: [] },
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
