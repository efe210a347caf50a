import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ActionRecord, Execution, Store, Task } from '@fewstep/taskgraph';
import { afterAll, expect, it } from 'vitest';
import { parseExperiment } from '../experiment/parse-experiment.js';
import { compile } from '../graph/compile.js';
import { report } from './report.js';

const cwd = mkdtempSync(join(tmpdir(), 'fewstep-report-'));
afterAll(() => rmSync(cwd, { recursive: true }));

/** What a run finds out whose samples counted so, and whose scores are as value.json says. */
async function reported(evaluate: string, counted: object) {
  const text = `name: a
dataset: cifar10
published: figures.yaml
schedule: { type: polynomial }
student: { solver: euler, num_steps: 6 }
train: false
evaluate: [${evaluate}]
`;
  const graph = compile(await parseExperiment(text, join(cwd, 'a.yaml'), { cwd, models: 'models' }));
  const [{ samples, scores }] = graph.points as [(typeof graph.points)[0]];
  const shard = { params: {}, inputs: {} } as unknown as Task;
  const recorded = { components: { inputs: {}, versions: {} }, provenance: { device: 'abacus' } };
  const record = (meta: object, outputs: object) =>
    ({ ...recorded, meta, outputs }) as unknown as ActionRecord;
  const execution = {
    ...{ computed: 0, local: 0, remote: 0, failures: new Map() },
    shards: new Map([[samples, [shard]]]),
    records: new Map([
      [shard, record(counted, {})],
      ...Object.values(scores)
        .flat()
        .map((task) => [task, record({}, { value: 'value' })] as const),
    ]),
  } as unknown as Execution;
  const store = { blob: async () => join(cwd, 'value.json') } as unknown as Store;
  const { points } = await report(graph, { name: 'a', execution, store, place: async () => undefined });
  return points[0]!;
}

it('stands beside fid at what a sample was counted to cost, through guidance too', async () => {
  writeFileSync(
    join(cwd, 'figures.yaml'),
    `- dataset: cifar10
  images: 50000
  source: a paper
  nfe: [5, 10]
  samplers: [{ name: Euler, student: { solver: euler }, train: false, fid: [49.66, 15.69] }]
`,
  );
  writeFileSync(join(cwd, 'value.json'), '{"fid":7}');
  const published = { name: 'Euler', images: 50_000, source: 'a paper' };
  expect((await reported('fid', { nfe: 5 })).published).toEqual({ ...published, fid: 49.66 });
  expect((await reported('fid', { nfe: 5, forwards: 10 })).published).toEqual({ ...published, fid: 15.69 });
  expect((await reported('fid', { nfe: 6 })).published).toBeUndefined();
  writeFileSync(join(cwd, 'value.json'), '{"rmse_to_teacher":7}');
  expect((await reported('rmse_to_teacher', { nfe: 5 })).published).toBeUndefined();
});

it('tells the difference to the reference in the units that are asked for, computed once', async () => {
  writeFileSync(join(cwd, 'value.json'), '{"rmse_to_teacher":25.5}');
  const of = async (evaluate: string) => (await reported(evaluate, { nfe: 5 })).metrics;
  expect(await of('psnr_to_teacher')).toEqual({ psnr_to_teacher: 20 });
  expect(await of('rmse_to_teacher, psnr_to_teacher')).toEqual({
    rmse_to_teacher: 25.5,
    psnr_to_teacher: 20,
  });
  writeFileSync(join(cwd, 'value.json'), '{"rmse_to_teacher":25.5,"rmse_to_teacher_se":0.0255}');
  const { psnr_to_teacher_se: error } = await of('psnr_to_teacher');
  expect(error).toBeCloseTo(20 * Math.log10(25.5255 / 25.5), 5);
  writeFileSync(join(cwd, 'value.json'), '{"rmse_to_teacher":0,"rmse_to_teacher_se":0}');
  expect(await of('psnr_to_teacher')).toEqual({ psnr_to_teacher: Infinity });
});
