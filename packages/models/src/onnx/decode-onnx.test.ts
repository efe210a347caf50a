import { PbfWriter } from 'pbf';
import { describe, expect, it } from 'vitest';
import { type DecodedOnnx, decodeOnnx } from './decode-onnx.js';
import { encodeOnnx, type OnnxModel } from './onnx-model.js';
import { openOnnxBytes } from './open-onnx.js';

const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'E_ONNX', message: expect.stringMatching(message) });
const decode = (bytes: Uint8Array) => decodeOnnx(openOnnxBytes(bytes));

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
    { name: 'b', type: 'bool', shape: [3], data: () => Uint8Array.of(1, 0, 1) },
  ],
};
const elements = ({ constants }: DecodedOnnx) =>
  constants.map(({ name, shape, data }) => ({ name, shape, data: data() }));

it('gives what was encoded', () => {
  const found = decode(encodeOnnx(model).graph);
  expect(found).toMatchObject({ opset: 17, inputs: ['x'], outputs: ['y'] });
  expect(found.nodes).toEqual(model.nodes);
  expect(elements(found)).toEqual([
    { name: 'w', shape: [3, 100], data: weights },
    { name: 'i', shape: [2], data: BigInt64Array.of(-1n, 2n ** 62n) },
    { name: 'b', shape: [3], data: Uint8Array.of(1, 0, 1) },
  ]);
});

it('refuses what is cut short, wherever that is', () => {
  const { graph } = encodeOnnx(model);
  for (let length = 0; length < graph.length; length++)
    expect(() => elements(decode(graph.subarray(0, length)))).toThrow(refusal(/./));
});

/** A graph with these fields, and what every model has. */
function graphOf(write: (graph: PbfWriter) => void): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeMessage(7, (_, graph) => write(graph), null);
  pbf.writeMessage(8, (_, opset) => opset.writeVarintField(2, 17), null);
  return pbf.finish();
}
/** A graph with one constant. */
const tensorOf = (write: (tensor: PbfWriter) => void) =>
  graphOf((graph) => graph.writeMessage(5, (_, tensor) => write(tensor), null));

describe('as other writers have it:', () => {
  const listed = (type: number, dims: number[], write: (tensor: PbfWriter) => void) =>
    tensorOf((tensor) => {
      tensor.writePackedVarint(1, dims);
      tensor.writeVarintField(2, type);
      write(tensor);
    });

  it('elements in lists of their type, one by one or packed', () => {
    const floats = listed(1, [2], (tensor) => tensor.writePackedFloat(4, [0.5, 2]));
    expect(elements(decode(floats))[0]!.data).toEqual(Float32Array.of(0.5, 2));
    const integers = listed(7, [1, 3], (tensor) => {
      tensor.writePackedVarint(7, [5, 6]);
      tensor.writeVarintField(7, -7);
    });
    expect(elements(decode(integers))[0]).toMatchObject({
      shape: [1, 3],
      data: BigInt64Array.of(5n, 6n, -7n),
    });
    const truth = listed(9, [2], (tensor) => tensor.writePackedVarint(5, [0, 1]));
    expect(elements(decode(truth))[0]!.data).toEqual(Uint8Array.of(0, 1));
  });

  it('not with other elements than the shape says, or of another type', () => {
    expect(() => decode(listed(1, [3], (tensor) => tensor.writePackedFloat(4, [0.5, 2])))).toThrow(
      refusal(/\[3\] has 2 elements/),
    );
    expect(() => decode(listed(10, [1], (tensor) => tensor.writeBytesField(9, new Uint8Array(2))))).toThrow(
      refusal(/is of float16; float32, int64, int32, bool are known/),
    );
  });

  it('constants as nodes', () => {
    const graph = graphOf((graph) =>
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
            },
            null,
          );
        },
        null,
      ),
    );
    const found = decode(graph);
    expect(found.nodes).toEqual([]);
    expect(elements(found)).toEqual([{ name: 'c', shape: [], data: Float32Array.of(3) }]);
  });
});
