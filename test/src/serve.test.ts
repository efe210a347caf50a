import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReportData } from '@fewstep/report';
import { expect, it } from 'vitest';
import { start } from './command-line.js';
import { tiny, workspace } from './small-experiment.js';

const spec = `name: watched
dataset: { checkpoint: ${tiny} }
schedule: { type: polynomial, rho: 7 }
student: { solver: euler, num_steps: 4 }
train: false
sample: { seeds: 0-7, batch: 4, grid: 2x2 }
reference: { solver: heun, num_steps: 5 }
evaluate: [rmse_to_teacher]
`;

it('shows a run while it goes on, and how it ended', async () => {
  const cwd = await workspace(spec);
  try {
    const env = { FEWSTEP_STORE: join(cwd, 'store') };
    const { child, finished } = start(['run', 'spec.yaml', '--serve', '--json'], { cwd, env });
    const address = await new Promise<string>((resolve, reject) => {
      let said = '';
      child.stderr!.on('data', (chunk) => {
        said += chunk;
        const [found] = /http:\/\/127\.0\.0\.1:\d+\//.exec(said) ?? [];
        if (found) resolve(found);
      });
      void finished.then(({ stderr }) => reject(new Error(stderr)));
    });
    const page = await fetch(address);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(await page.text()).toContain('data-live="/data.json"');
    expect((await fetch(address, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${address}spec.yaml`)).status).toBe(404);

    const seen: ReportData[] = [];
    while (seen.length === 0 || seen.at(-1)!.progress) {
      const answer = await fetch(`${address}data.json`);
      expect(answer.status).toBe(200);
      seen.push((await answer.json()) as ReportData);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const [first, last] = [seen[0]!, seen.at(-1)!];
    expect(first.progress!.of).toBeGreaterThan(0);
    expect(first.points.map(({ label, figures }) => [label, figures])).toEqual([['euler', {}]]);
    const dones = seen.flatMap(({ progress }) => (progress ? [progress.done] : []));
    expect(dones).toEqual([...dones].sort((a, b) => a - b));

    const { code, stdout } = await finished;
    expect(code).toBe(0);
    const [{ points }] = JSON.parse(stdout).experiments;
    expect(last.points[0]!.figures.rmse_to_teacher!.value).toBe(points[0].metrics.rmse_to_teacher);
    expect(last.points[0]!.pictures!.seeds).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    await expect(fetch(address)).rejects.toThrow();
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}, 120_000);
