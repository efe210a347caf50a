import { openNpz } from '@fewstep/metrics/npz';
import { openStateDict, toFloat32 } from '@fewstep/models';
import { RunnerError } from './errors.js';

/** Feature vectors in a file, float32 [n × dim] when they are read. */
export interface FeaturesOfFile {
  readonly n: number;
  readonly dim: number;
  read(): Promise<Float32Array>;
  close(): void;
}

/** As many bytes of an array are read: 100,000 vectors of 2,048 features in double, and more. */
const mostBytes = 2 ** 31;

/** Arrays by their names, one of which is read. */
interface Arrays {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  read(name: string): Promise<Float32Array>;
  close(): void;
}

/**
 * Opens the feature vectors in an .npz or .safetensors file: its array `features`, or the only one that it has, [n, dim].
 *
 * @throws RunnerError E_FEATURES where there is no such array; MetricsError, ModelError for what is no such file
 */
export async function openFeaturesOf(path: string): Promise<FeaturesOfFile> {
  const { shapes, read, close } = await (/\.npz$/i.test(path) ? arraysOfNpz(path) : tensorsOf(path));
  const names = [...shapes.keys()];
  const name = shapes.has('features') ? 'features' : names.length === 1 ? names[0]! : undefined;
  const [n = 0, dim = 0, ...more] = (name !== undefined && shapes.get(name)) || [];
  if (name !== undefined && n > 0 && dim > 0 && more.length === 0)
    return { n, dim, read: () => read(name), close };
  close();
  const found = Array.from(shapes, ([one, shape]) => `${one} [${shape.join(', ')}]`);
  throw new RunnerError(
    'E_FEATURES',
    `${path}: feature vectors are an array features [n, dim], or the only array of the file, and it holds ${found.slice(0, 8).join(', ') || 'none'}`,
    { evidence: { path, found } },
  );
}

async function arraysOfNpz(path: string): Promise<Arrays> {
  const npz = await openNpz(path, path);
  const shapes = new Map<string, readonly number[]>();
  try {
    for (const name of npz.names) shapes.set(name, (await npz.header(name)).shape);
  } catch (error) {
    npz.close();
    throw error;
  }
  return {
    shapes,
    async read(name) {
      const { data } = await npz.read(name, mostBytes);
      return data instanceof Float32Array ? data : Float32Array.from<number | bigint>(data, Number);
    },
    close: npz.close,
  };
}

async function tensorsOf(path: string): Promise<Arrays> {
  const { tensors, read, close } = await openStateDict(path);
  return {
    shapes: new Map(Array.from(tensors, ([name, { shape }]) => [name, shape])),
    read: async (name) => toFloat32(read(name)['']!),
    close,
  };
}
