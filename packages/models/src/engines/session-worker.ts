/** The thread of a session: opens it, says so, then runs what it is told until it is to close. */
import { parentPort, workerData } from 'node:worker_threads';
import { ModelError } from '../errors.js';
import type { OnnxInput, OnnxOutput, OnnxSignature } from './onnx-session.js';
import { type OrtOptions, openOrtSession } from './ort-session.js';

export type Order = { readonly inputs: Readonly<Record<string, OnnxInput>>; readonly n: number } | 'close';
export type Answer =
  | { readonly outputs: Readonly<Record<string, OnnxOutput>> }
  | { readonly error: { readonly message: string; readonly evidence: Readonly<Record<string, unknown>> } };

const port = parentPort!;
const { graph, signature, options } = workerData as {
  readonly graph: string | Uint8Array;
  readonly signature: OnnxSignature;
  readonly options: OrtOptions;
};

/** Whether it went well. */
async function answer(does: () => Promise<Readonly<Record<string, OnnxOutput>>>): Promise<boolean> {
  try {
    port.postMessage({ outputs: await does() } satisfies Answer);
    return true;
  } catch (error) {
    const { message } = error as Error;
    const evidence = error instanceof ModelError ? error.evidence : {};
    port.postMessage({ error: { message, evidence } } satisfies Answer);
    return false;
  }
}

const opening = openOrtSession(graph, signature, options);
const opened = await answer(async () => {
  await opening;
  return {};
});
if (opened) {
  const session = await opening;
  let before: Promise<unknown> = Promise.resolve();
  port.on('message', (order: Order) => {
    before = before.then(async () => {
      if (order !== 'close') return answer(() => session.run(order.inputs, order.n));
      await session.close();
      return port.close();
    });
  });
}
