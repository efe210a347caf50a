import { type Tensor, type Tensors, toFloat32 } from '../files/tensor.js';
import type { TensorFile } from '../files/tensor-file.js';

/** Where a file has a weight of a network: as it is, as one third of the rows, or transposed. */
interface StoredWeight {
  readonly name: string;
  readonly third?: 0 | 1 | 2;
  readonly transposed?: boolean;
  /** Its shape there, where it has sizes of 1 more or less. */
  readonly shape?: readonly number[];
}

/** That of each weight, by its name in the network. */
export type Naming = (name: string) => StoredWeight;

type Shapes = ReadonlyMap<string, readonly number[]>;

/** Shapes of a network's weights as they lie in the file, by their names there. */
export const shapesInFile = (shapes: Shapes, naming: Naming): Shapes =>
  new Map(
    [...shapes].map(([name, own]) => {
      const { name: stored, third, transposed, shape } = naming(name);
      if (third !== undefined) return [stored, [3 * own[0]!, ...own.slice(1)]];
      return [stored, shape ?? (transposed ? own.toReversed() : own)];
    }),
  );

/** A network's weights of these names, from where the file has them. @throws as the file's `read` */
export function storedWeights(
  file: Pick<TensorFile, 'read'>,
  naming: Naming,
  names: readonly string[],
): Tensors {
  const stored = file.read(new Set(names.map((name) => naming(name).name)));
  return Object.fromEntries(
    names.map((name) => {
      const { name: own, third, transposed } = naming(name);
      const tensor = stored.get(own)!;
      if (third !== undefined) return [name, thirdOf(tensor, third)];
      return [name, transposed ? transposedOf(tensor) : tensor];
    }),
  );
}

/** The first, second or last third of the rows, in the same memory. */
function thirdOf({ dtype, shape, data }: Tensor, third: number): Tensor {
  const length = data.length / 3;
  return {
    dtype,
    shape: [shape[0]! / 3, ...shape.slice(1)],
    data: data.subarray(third * length, (third + 1) * length),
  } as Tensor;
}

function transposedOf(tensor: Tensor): Tensor {
  const [rows, columns] = tensor.shape as [number, number];
  const from = toFloat32(tensor);
  const data = new Float32Array(from.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) data[j * rows + i] = from[i * columns + j]!;
  return { dtype: 'F32', shape: [columns, rows], data };
}
