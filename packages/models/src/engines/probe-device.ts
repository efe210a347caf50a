import { engineFault } from '../errors.js';
import { encodeOnnx } from '../onnx/onnx-model.js';
import { OnnxOps } from '../onnx/onnx-ops.js';
import type { Device } from './device.js';
import { openSession } from './open-session.js';

/**
 * Computes 2·x + 1 of a few numbers on a device: whether it is there, and computes at all. A driver that is broken may end the
 * process, so that it is best asked in one of its own.
 *
 * @throws ModelError `E_ENGINE` where it is not there, with what it lacks, or gives something else
 */
export async function probeDevice(device: Device): Promise<void> {
  const ops = new OnnxOps({});
  const { graph } = encodeOnnx(ops.model({ y: ops.affine(ops.input('x', [4]), 2, 1) }));
  const session = await openSession(graph, { what: 'a probe', inputs: ['x'], outputs: ['y'] }, { device });
  try {
    const { y } = await session.run({ x: { data: Float32Array.of(0, 1, 2, 3), shape: [4] } }, 1);
    if (String(y) !== '1,3,5,7')
      throw engineFault(`2·x + 1 of 0, 1, 2, 3 is 1, 3, 5, 7, and ${device.type} gives ${y}`, {
        found: String(y),
      });
  } finally {
    await session.close();
  }
}
