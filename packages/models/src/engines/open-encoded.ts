import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EncodedOnnx } from '../onnx/onnx-model.js';
import type { OnnxSession, OnnxSignature } from './onnx-session.js';
import { type EngineOptions, openSession } from './open-session.js';

/** Opens a graph in memory, by way of a folder where its weights are too large for that. @throws as `openSession` */
export async function openEncoded(
  { graph, external }: EncodedOnnx,
  signature: OnnxSignature,
  engine: EngineOptions,
): Promise<OnnxSession> {
  if (!external) return openSession(graph, signature, engine);
  const folder = await mkdtemp(join(tmpdir(), 'fewstep-graph-'));
  try {
    const path = join(folder, 'graph.onnx');
    await writeFile(path, graph);
    await writeFile(join(folder, external.name), external.parts);
    return await openSession(path, signature, engine);
  } finally {
    await rm(folder, { recursive: true });
  }
}
