import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Checkpoint,
  exportDecoder,
  exportDenoiser,
  exportTextEncoder,
  readCheckpoint,
  readFirstStage,
} from '@fewstep/models';
import { RunnerError } from '../../errors.js';
import { openResults, shownPath } from '../reports/output.js';
import type { Answer } from '../terminal/answer.js';
import { networkTold } from './network-told.js';
import { pathOrNamed } from './registry-files.js';

/**
 * `fewstep models export MODEL`: a model as ONNX for use elsewhere, a folder for each part: `denoiser`, and of a latent
 * model `decoder` and, where it has one, `text-encoder`; of a first stage by itself `decoder` alone. Each has `model.onnx`, `info.json` with what a caller must
 * know, and `weights.bin` where they are too large for one file.
 *
 * @throws RunnerError E_FILE where the checkpoint isn't there; E_RESULTS, also where the folder has a part of another model;
 *   the errors of its family's reader; SpecError for `--network`
 */
export async function modelsExport(
  model: string,
  options: { readonly outdir: string; readonly network?: string },
  answer: Answer,
): Promise<void> {
  const told = networkTold(options.network);
  const path = pathOrNamed(model);
  const results = await openResults(options.outdir);
  const firstStage = await readFirstStage(path, told);
  const parts = firstStage
    ? { decoder: () => exportDecoder(firstStage) }
    : partsOf(await readCheckpoint(path, told));
  const other = partNames.find((name) => !(name in parts) && existsSync(join(options.outdir, name)));
  if (other !== undefined)
    throw new RunnerError(
      'E_RESULTS',
      `${shownPath(options.outdir)} has ${other}/ of another model, which a spec would take for a part of this one: choose another --outdir, or empty this one.`,
      { evidence: { path: options.outdir, part: other } },
    );
  const written: Record<string, { graph: string; weights?: string; info: unknown }> = {};
  for (const [part, make] of Object.entries(parts)) {
    const { graph, external, info } = make();
    written[part] = {
      ...(external && { weights: await results.write(external.parts, part, external.name) }),
      graph: await results.write(graph, part, 'model.onnx'),
      info,
    };
    await results.write(`${JSON.stringify(info, null, 2)}\n`, part, 'info.json');
  }
  answer.object({ model, parts: written });
  for (const [part, { graph, weights }] of Object.entries(written))
    answer.line(`${part}: ${[graph, weights].filter(Boolean).join(', ')}`);
}

const partsOf = (checkpoint: Checkpoint) => ({
  denoiser: () => exportDenoiser(checkpoint),
  ...(checkpoint.decoder && { decoder: () => exportDecoder(checkpoint) }),
  ...(checkpoint.textEncoder && { 'text-encoder': () => exportTextEncoder(checkpoint) }),
});

const partNames = ['denoiser', 'decoder', 'text-encoder'];
