import { Worker } from 'node:worker_threads';
import { engineFault } from '../errors.js';
import { type OnnxSession, type OnnxSignature, oneDevice } from './onnx-session.js';
import type { OrtOptions } from './ort-session.js';
import type { Answer, Order } from './session-worker.js';
import { withoutTelemetry } from './telemetry.js';

/**
 * Opens a graph in ONNX Runtime in a thread of its own: a run holds the thread that it is in, and this one not. The
 * thread ends when the session is closed, and never in the middle of a run, which would end the process.
 *
 * @throws ModelError `E_ENGINE` as `openOrtSession`, or when the thread ended
 */
export async function openInThread(
  graph: string | Uint8Array,
  signature: OnnxSignature,
  options: OrtOptions,
): Promise<OnnxSession> {
  withoutTelemetry();
  const worker = new Worker(new URL('./session-worker.js', import.meta.url), {
    workerData: { graph, signature, options },
  });
  const waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  let ended: Error | undefined;
  const end = (cause?: Error) => {
    ended ??= engineFault(`${signature.what} was closed, or its thread ended`, {}, cause);
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  worker.on('message', (answer: Answer) => {
    waiting.shift()?.resolve(answer); // in the order in which they were asked
    if (waiting.length === 0) worker.unref();
  });
  worker.on('error', end);
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      end();
      resolve();
    });
  });

  const next = () =>
    new Promise<Answer>((resolve, reject) => {
      if (ended) return reject(ended);
      waiting.push({ resolve, reject });
      worker.ref(); // what is awaited keeps the process
    });
  const ask = (order: Order): Promise<Answer> => {
    const answer = next();
    worker.postMessage(order);
    return answer;
  };
  const resultOf = (answer: Answer) => {
    if ('error' in answer) throw engineFault(answer.error.message, answer.error.evidence);
    return answer.outputs;
  };

  resultOf(await next());
  return oneDevice(signature.what, {
    run: async (inputs, n) => resultOf(await ask({ inputs, n })),
    async close() {
      worker.ref();
      worker.postMessage('close' satisfies Order);
      await exited;
    },
  });
}
