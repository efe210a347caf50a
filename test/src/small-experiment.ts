import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './command-line.js';

/** A network of random weights, 3×16×16, of which a thousand evaluations take a second. */
export const tiny = join(root, 'packages/models/fixtures/edm-ncsnpp-uncond.p2.pkl');

/** An experiment on it in the smallest size that has every kind of task. */
const smallSpec = `name: small
dataset:
  checkpoint: ${tiny}
schedule: { type: polynomial, rho: 7 }
student: { solver: amed, num_steps: 3, afs: true }
train: { total_kimg: 0.016, batch: 8 }
sample: { seeds: 0-15, batch: 4, grid: 4x4 }
reference: { solver: heun, num_steps: 5 }
evaluate: [rmse_to_teacher]
grid:
  points:
    - label: amed
    - { label: plugin, student.solver: euler, teacher.solver: heun }
    - { label: euler, student: { solver: euler, num_steps: 4, afs: false }, train: false }
`;

/** A working folder of its own with `spec.yaml` in it. */
export async function workspace(spec = smallSpec): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  await writeFile(join(dir, 'spec.yaml'), spec);
  return dir;
}
