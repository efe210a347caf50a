import { InferenceSession, Tensor } from 'onnxruntime-node';
import { PbfWriter } from 'pbf';
import { expect, it } from 'vitest';
import { nodeWithPrefix } from './onnx-prefix.js';

type Write = (pbf: PbfWriter) => void;

const message = (write: Write): Uint8Array => {
  const pbf = new PbfWriter();
  write(pbf);
  return pbf.finish();
};
const within = (pbf: PbfWriter, number: number, write: Write) => pbf.writeBytesField(number, message(write));

const node =
  (op: string, inputs: readonly string[], output: string, attributes: readonly Write[] = []): Write =>
  (pbf) => {
    for (const name of inputs) pbf.writeStringField(1, name);
    pbf.writeStringField(2, output);
    pbf.writeStringField(3, output);
    pbf.writeStringField(4, op);
    for (const one of attributes) within(pbf, 5, one);
  };

const value =
  (name: string, type: number): Write =>
  (pbf) => {
    pbf.writeStringField(1, name);
    within(pbf, 2, (types) => within(types, 1, (tensor) => tensor.writeVarintField(1, type)));
  };

const two: Write = (pbf) => {
  pbf.writeVarintField(2, 1);
  pbf.writeStringField(8, 'two');
  pbf.writeBytesField(9, new Uint8Array(Float32Array.of(2).buffer));
};

/** A graph that makes `name` of the value `x` outside by an operator and a number of its own. */
const branch =
  (attribute: string, op: string, name: string, more: Write = () => {}): Write =>
  (pbf) => {
    pbf.writeStringField(1, attribute);
    pbf.writeVarintField(20, 5);
    within(pbf, 6, (graph) => {
      within(graph, 1, node(op, ['x', 'two'], name));
      graph.writeStringField(2, attribute);
      within(graph, 5, two);
      within(graph, 12, value(name, 1));
      more(graph);
    });
  };

const choice = (more?: Write) =>
  message(
    node('If', ['flag'], 'y', [
      branch('then_branch', 'Mul', 'product'),
      branch('else_branch', 'Add', 'sum', more),
    ]),
  );

it('goes through graphs within, which read what is outside', async () => {
  const model = (nodes: Uint8Array, prefix: string) =>
    message((pbf) => {
      pbf.writeVarintField(1, 8);
      within(pbf, 7, (graph) => {
        graph.writeBytesField(1, nodes);
        graph.writeStringField(2, 'choice');
        within(graph, 11, value(`${prefix}flag`, 9));
        within(graph, 11, value(`${prefix}x`, 1));
        within(graph, 12, value(`${prefix}y`, 1));
      });
      within(pbf, 8, (opset) => opset.writeVarintField(2, 17));
    });
  for (const [bytes, prefix] of [
    [choice(), ''],
    [nodeWithPrefix(choice(), 'network/'), 'network/'],
  ] as const) {
    const session = await InferenceSession.create(model(bytes, prefix));
    const results = [true, false].map((flag) =>
      session.run({
        [`${prefix}flag`]: new Tensor('bool', [flag], []),
        [`${prefix}x`]: new Tensor('float32', [5], []),
      }),
    );
    const found = (await Promise.all(results)).map((result) => result[`${prefix}y`]!.data[0]);
    expect(found).toEqual([10, 7]);
    await session.release();
  }
  const text = Buffer.from(nodeWithPrefix(choice(), 'network/')).toString('latin1');
  for (const name of ['flag', 'x', 'y', 'two', 'product', 'sum'])
    expect(text.split(`network/${name}`).length).toBeGreaterThan(1);
});

it('leaves the empty name, which stands for no input', () => {
  const bytes = message(node('Clip', ['x', '', 'high'], 'y'));
  const names = message(node('Clip', ['p/x', '', 'p/high'], 'p/y'));
  expect([...nodeWithPrefix(bytes, 'p/')]).toEqual([...names]);
});

it('refuses graphs nested beyond measure', () => {
  let inside: Write = () => {};
  for (let depth = 0; depth < 40; depth++) {
    const deeper = inside;
    inside = (graph) => within(graph, 1, node('If', ['flag'], 'y', [(pbf) => within(pbf, 6, deeper)]));
  }
  const [outermost] = [message(inside)];
  const wrapped = message(node('If', ['flag'], 'y', [(pbf) => pbf.writeBytesField(6, outermost)]));
  expect(() => nodeWithPrefix(wrapped, 'p/')).toThrow(/nested more than 16 deep/);
});

const outside: Write = (pbf) => {
  pbf.writeStringField(8, 'secret');
  within(pbf, 13, (entry) => {
    entry.writeStringField(1, 'location');
    entry.writeStringField(2, '/etc/passwd');
  });
};

it('refuses tensors within nodes that are in other files, and sparse ones', () => {
  const constant = message(node('Constant', [], 'y', [(pbf) => within(pbf, 5, outside)]));
  expect(() => nodeWithPrefix(constant, 'p/')).toThrow(/"secret" within a node is in another file/);
  const nested = choice((graph) => within(graph, 5, outside));
  expect(() => nodeWithPrefix(nested, 'p/')).toThrow(/"secret" within a node is in another file/);
  const sparse = message(node('Constant', [], 'y', [(pbf) => within(pbf, 22, () => {})]));
  expect(() => nodeWithPrefix(sparse, 'p/')).toThrow(/sparse tensors/);
});
