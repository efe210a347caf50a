/**
 * What NVIDIA's files call a weight of FID's Inception-v3, by its name in torchvision; undefined of the factors of norms,
 * which are not in them. Theirs are the names of TensorFlow's graph: `tower_1.conv_2` is the third layer of a block's
 * second tower.
 */
export function nvidiaName(name: string): string | undefined {
  const [, block, branch, part] = LAYER.exec(name) ?? [];
  if (block === undefined) return { 'fc.weight': 'output.weight', 'fc.bias': 'output.bias' }[name];
  const kept = {
    'conv.weight': 'weight',
    'bn.bias': 'beta',
    'bn.running_mean': 'mean',
    'bn.running_var': 'var',
  };
  if (!Object.hasOwn(kept, part!)) return undefined;
  const end = kept[part as keyof typeof kept];
  if (branch === undefined) return `layers.${numbered('conv', stem.indexOf(block))}.${end}`;
  const number = blocks.findIndex(([one]) => one === block);
  return `layers.${numbered('mixed', number)}.${blocks[number]![1][branch]}.${end}`;
}

const LAYER = /^(\w+?)(?:\.branch(\w+))?\.((?:conv|bn)\.\w+)$/;

const numbered = (name: string, n: number) => (n === 0 ? name : `${name}_${n}`);

const stem = ['Conv2d_1a_3x3', 'Conv2d_2a_3x3', 'Conv2d_2b_3x3', 'Conv2d_3b_1x1', 'Conv2d_4a_3x3'];

/** The layers of a tower, by their branches' names in torchvision, in order. */
const tower = (name: string, ...branches: readonly string[]) =>
  Object.fromEntries(branches.map((branch, n) => [branch, `${name}.${numbered('conv', n)}`]));

const squares: Readonly<Record<string, string>> = {
  '1x1': 'conv',
  ...tower('tower', '5x5_1', '5x5_2'),
  ...tower('tower_1', '3x3dbl_1', '3x3dbl_2', '3x3dbl_3'),
  ...tower('tower_2', '_pool'),
};

const strips: Readonly<Record<string, string>> = {
  '1x1': 'conv',
  ...tower('tower', '7x7_1', '7x7_2', '7x7_3'),
  ...tower('tower_1', '7x7dbl_1', '7x7dbl_2', '7x7dbl_3', '7x7dbl_4', '7x7dbl_5'),
  ...tower('tower_2', '_pool'),
};

const forks: Readonly<Record<string, string>> = {
  '1x1': 'conv',
  '3x3_1': 'tower_conv',
  '3x3_2a': 'tower_mixed_conv',
  '3x3_2b': 'tower_mixed_conv_1',
  '3x3dbl_1': 'tower_1_conv',
  '3x3dbl_2': 'tower_1_conv_1',
  '3x3dbl_3a': 'tower_1_mixed_conv',
  '3x3dbl_3b': 'tower_1_mixed_conv_1',
  _pool: 'tower_2_conv',
};

/** In the order of the network. */
const blocks: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['Mixed_5b', squares],
  ['Mixed_5c', squares],
  ['Mixed_5d', squares],
  ['Mixed_6a', { '3x3': 'conv', ...tower('tower', '3x3dbl_1', '3x3dbl_2', '3x3dbl_3') }],
  ['Mixed_6b', strips],
  ['Mixed_6c', strips],
  ['Mixed_6d', strips],
  ['Mixed_6e', strips],
  [
    'Mixed_7a',
    { ...tower('tower', '3x3_1', '3x3_2'), ...tower('tower_1', '7x7x3_1', '7x7x3_2', '7x7x3_3', '7x7x3_4') },
  ],
  ['Mixed_7b', forks],
  ['Mixed_7c', forks],
];
