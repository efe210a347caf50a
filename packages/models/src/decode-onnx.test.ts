import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PbfWriter } from 'pbf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeOnnx } from './decode-onnx.js';
import { encodeOnnx, type OnnxModel } from './onnx-model.js';

const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'E_ONNX', message: expect.stringMatching(message) });

const weights = Float32Array.from({ length: 300 }, (_, i) => i / 7);
const model: OnnxModel = {
  opset: 17,
  inputs: [{ name: 'x', type: 'float32', shape: ['n', 3, 4] }],
  outputs: [{ name: 'y', type: 'int64', shape: ['n'] }],
  nodes: [
    {
      op: 'First',
      inputs: ['x', '', 'w'],
      outputs: ['a', 'b'],
      attributes: {
        int: { int: -3 },
        ints: { ints: [1, -1] },
        float: { float: 0.5 },
        string: { string: 'é' },
      },
    },
    { op: 'Second', domain: 'com.microsoft', inputs: ['a'], outputs: ['y'], attributes: {} },
  ],
  initializers: [
    { name: 'w', type: 'float32', shape: [3, 100], data: () => weights },
    { name: 'i', type: 'int64', shape: [2], data: () => BigInt64Array.of(-1n, 2n ** 62n) },
  ],
};

/** A model with its weights as elements. */
const plain = ({ initializers, ...rest }: OnnxModel) => ({
  ...rest,
  initializers: initializers.map(({ data, ...one }) => ({ ...one, elements: data() })),
});

it('gives what was encoded', () => {
  expect(plain(decodeOnnx(encodeOnnx(model).graph))).toEqual(plain(model));
});

/** A graph with these fields, and what every model has. */
function graphOf(write: (graph: PbfWriter) => void): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeMessage(7, (_, graph) => write(graph), null);
  pbf.writeMessage(8, (_, opset) => opset.writeVarintField(2, 17), null);
  return pbf.finish();
}
/** A graph with one initializer. */
const tensorOf = (write: (tensor: PbfWriter) => void) =>
  graphOf((graph) => graph.writeMessage(5, (_, tensor) => write(tensor), null));

describe('as other writers have it:', () => {
  it('elements in lists of their type, one by one or packed', () => {
    const floats = tensorOf((tensor) => {
      tensor.writePackedVarint(1, [2]);
      tensor.writeVarintField(2, 1);
      tensor.writePackedFloat(4, [0.5, 2]);
    });
    expect(decodeOnnx(floats).initializers[0]!.data()).toEqual(Float32Array.of(0.5, 2));
    const integers = tensorOf((tensor) => {
      tensor.writeVarintField(1, 3);
      tensor.writeVarintField(2, 7);
      tensor.writePackedVarint(7, [5, 6]);
      tensor.writeVarintField(7, -7);
    });
    const [one] = decodeOnnx(integers).initializers;
    expect(one!.shape).toEqual([3]);
    expect(one!.data()).toEqual(BigInt64Array.of(5n, 6n, -7n));
  });

  it('constants as nodes, and weights among the inputs', () => {
    const graph = graphOf((graph) => {
      graph.writeMessage(
        1,
        (_, node) => {
          node.writeStringField(2, 'c');
          node.writeStringField(4, 'Constant');
          node.writeMessage(
            5,
            (_, attribute) => {
              attribute.writeStringField(1, 'value');
              attribute.writeMessage(
                5,
                (_, tensor) => {
                  tensor.writeVarintField(2, 1);
                  tensor.writeBytesField(9, new Uint8Array(Float32Array.of(3).buffer));
                },
                null,
              );
              attribute.writeVarintField(20, 4);
            },
            null,
          );
        },
        null,
      );
      graph.writeMessage(11, (_, value) => value.writeStringField(1, 'c'), null);
    });
    const { nodes, inputs, initializers } = decodeOnnx(graph);
    expect({ nodes, inputs }).toEqual({ nodes: [], inputs: [] });
    expect(initializers[0]).toMatchObject({ name: 'c', shape: [] });
    expect(initializers[0]!.data()).toEqual(Float32Array.of(3));
  });
});

describe('refuses', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fewstep-onnx-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('what is cut short, wherever that is', () => {
    const { graph } = encodeOnnx(model);
    for (let length = 0; length < graph.length; length++)
      expect(() => plain(decodeOnnx(graph.subarray(0, length)))).toThrow(refusal(/graph of \d+ bytes: /));
  });

  it('elements that are not as many as the shape says, or of another type', () => {
    const floats = (dims: number[], type: number, bytes: number) =>
      tensorOf((tensor) => {
        tensor.writePackedVarint(1, dims);
        tensor.writeVarintField(2, type);
        tensor.writeBytesField(9, new Uint8Array(bytes));
      });
    expect(() => decodeOnnx(floats([2, 3], 1, 20))).toThrow(
      refusal(/\[2,3\] takes 24 bytes, but there are 20/),
    );
    expect(() => decodeOnnx(floats([2 ** 40, 2 ** 40], 1, 20))).toThrow(refusal(/has the shape/));
    expect(() => decodeOnnx(floats([-1], 1, 4))).toThrow(refusal(/has the shape \[-1\]/));
    expect(() => decodeOnnx(floats([2], 10, 4))).toThrow(refusal(/elements of type 10; float32/));
  });

  it('weights that lie elsewhere than beside the graph, or beyond the file’s end', async () => {
    const external = (location: string, offset: string, length = '8') =>
      tensorOf((tensor) => {
        tensor.writeVarintField(1, 2);
        tensor.writeVarintField(2, 1);
        for (const [key, value] of Object.entries({ location, offset, length }))
          tensor.writeMessage(
            13,
            (_, entry) => {
              entry.writeStringField(1, key);
              entry.writeStringField(2, value);
            },
            null,
          );
        tensor.writeVarintField(14, 1);
      });
    const path = join(folder, 'a.onnx');
    const at = async (graph: Uint8Array) => {
      await writeFile(path, graph);
      return decodeOnnx(path).initializers[0]!;
    };
    await writeFile(join(folder, 'w.bin'), new Uint8Array(Float32Array.of(1, 2, 3).buffer));
    expect((await at(external('w.bin', '4'))).data()).toEqual(Float32Array.of(2, 3));
    expect((await at(external('w.bin', '8'))).data).toThrow(refusal(/w\.bin ends before 16 bytes/));
    expect((await at(external('none.bin', '0'))).data).toThrow(refusal(/none\.bin/));
    for (const location of ['../w.bin', '/etc/passwd', '..', '', 'a\\b'])
      await expect(at(external(location, '0'))).rejects.toThrow(refusal(/no file beside the graph/));
    await expect(at(external('w.bin', '-1'))).rejects.toThrow(refusal(/no file beside/));
    await expect(at(external('w.bin', '0', '12'))).rejects.toThrow(
      refusal(/takes 8 bytes, but there are 12/),
    );
    expect(() => decodeOnnx(external('w.bin', '0'))).toThrow(refusal(/open the graph by its path/));
  });
});
