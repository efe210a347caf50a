import type { Execution, Shards, Store, Task } from '@fewstep/taskgraph';
import { expect, it } from 'vitest';
import { parseExperiment } from '../experiment/parse-experiment.js';
import { compile } from '../graph/compile.js';
import { protocolOf } from './protocol.js';

const spec = `name: test
dataset: { checkpoint: a.pkl, sigma_min: 0.002, sigma_max: 80, reference_data: real.npz, feature_network: inception.pth }
schedule: { type: polynomial }
student: { solver: euler, num_steps: 4 }
train: false
sample: { seeds: 0-9 }
evaluate: [fid]
`;

/** A shard of all seeds, as shards are cut into. */
const shardOf = (shards: Shards): Task => ({
  ...shards,
  params: { ...shards.params, seeds: [0, 9] },
  inputs: shards.inputs as Task['inputs'],
  work: 1,
  range: [0, 9],
  shards,
});

it('says how images were resized and on what they were evaluated, as the tasks recorded it', async () => {
  const { points } = compile(
    await parseExperiment(spec, '/nowhere/a.yaml', { cwd: '/nowhere', models: 'models' }),
  );
  const [planned] = points;
  const [fid] = planned!.scores.fid!;
  const seen = fid!.inputs.features!.flatMap((ref) => ('shards' in ref ? ref.shards : []));
  const [samples, features] = [planned!.samples, seen[0]!].map(shardOf);
  const record = (meta: object, type: string, inputs: object = {}) => ({
    meta,
    components: { inputs, versions: { metrics: '0.1.0', task: '1' } },
    provenance: { device: { type } },
  });
  const execution = {
    shards: new Map([
      [planned!.samples, [samples]],
      [seen[0], [features]],
    ]),
    records: new Map([
      [samples, record({ images: 10, nfe: 3 }, 'cuda')],
      [features, record({ images: 10, resize: 'tensorflow' }, 'cpu', { network: ['ab'] })],
      [fid, record({}, 'cpu', { statistics: ['cd'] })],
    ]),
  } as unknown as Execution;
  expect(await protocolOf(planned!, { execution, store: {} as Store })).toMatchObject({
    seeds: '0-9',
    images: 10,
    nfe: { evaluations: 3 },
    versions: { metrics: '0.1.0' },
    devices: {
      samples: [{ device: { type: 'cuda' }, tasks: 1 }],
      features: [{ device: { type: 'cpu' }, tasks: 1 }],
    },
    scores: {
      fid: {
        features: { file: 'inception.pth', sha256: 'ab', resize: 'tensorflow' },
        reference: { file: 'real.npz', sha256: 'cd', statistics: true },
      },
    },
  });
});
