import type { TimesTransposed } from '../algebra/matrix.js';
import { MetricsError } from '../errors.js';

/** An ONNX graph: y [m × n] = Gemm(a [m × k], b [n × k], transB: 1), float64, opset 17. */
const graph = Buffer.from(
  'CAg6aAoeCgFhCgFiEgF5IgRHZW1tKg0KBnRyYW5zQhgBoAECEgFnWhUKAWESEAoOCAsSCgoDEgFtCgMSAWtaFQoBYhIQCg4ICxIKCgMSAW4KAxIBa2IVCgF5EhAKDggLEgoKAxIBbQoDEgFuQgQKABAR',
  'base64',
);

/** Products of matrices in double that are computed elsewhere than in JavaScript. */
export interface DoubleProducts {
  readonly times: TimesTransposed;
  close(): Promise<void>;
}

/**
 * ONNX Runtime's products on the CPU, for `statistics` and `frechetDistance` of thousands of features.
 *
 * - `threads`: default all cores.
 * - Bits may differ from those of `timesTransposed` in the last digits, for sums are added up in another order.
 *
 * @throws MetricsError E_NETWORK where ONNX Runtime can't be loaded
 */
export async function openDoubleProducts({
  threads = 0,
}: {
  readonly threads?: number;
} = {}): Promise<DoubleProducts> {
  // It posts what it is used for, unless this is set before it is loaded. Who has set it decides.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  const { InferenceSession, Tensor } = await import('onnxruntime-node').catch((cause: Error) => {
    throw new MetricsError(
      'E_NETWORK',
      `ONNX Runtime can't be loaded: ${cause.message}. Install onnxruntime-node for this platform`,
      {},
      { cause },
    );
  });
  const session = await InferenceSession.create(graph, { intraOpNumThreads: threads });
  return {
    async times(a, b, rows, columns, inner) {
      const { y } = await session.run({
        a: new Tensor('float64', a, [rows, inner]),
        b: new Tensor('float64', b, [columns, inner]),
      });
      return y!.data as Float64Array;
    },
    close: () => session.release(),
  };
}
