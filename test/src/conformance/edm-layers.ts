// single layers are no public interface of the package
import { type EdmLayer, runEdmLayer } from '../../../packages/models/dist/networks/edm-layer.test.support.js';
import { differences } from './differences.js';
import type { Golden } from './golden.js';
import { type Outcome, outcome } from './topic.js';

export interface LayersCase {
  readonly name: string;
  readonly io: { readonly path: string };
  readonly units: readonly (EdmLayer & { readonly name: string })[];
}

/** As of the denoisers, which are made of them; the official float32 run of single layers is not in the index. */
const BOUND = 3e-6;

/** Blocks and convolutions of EDM's networks, each as a graph of its own. */
export async function layerCases(golden: Golden, one: LayersCase): Promise<Outcome[]> {
  const arrays = await golden.tensors(one.io.path);
  const outcomes: Outcome[] = [];
  for (const { name, ...layer } of one.units)
    outcomes.push(
      await outcome(`${one.name}/${name}`, async () => {
        const own = Object.entries(arrays).filter(([key]) => key.startsWith(`${name}/`));
        const { x, emb, y, ...weights } = Object.fromEntries(
          own.map(([key, tensor]) => [key.slice(name.length + 1), tensor]),
        );
        const found = await runEdmLayer(layer, weights, { x: x!, emb });
        if (`${found.shape}` !== `${y!.shape}`) return `shape [${found.shape}], expected [${y!.shape}]`;
        const bounds = new Array<number>(y!.shape[0]!).fill(BOUND);
        return differences(Float64Array.from(found.data), Float64Array.from(y!.data, Number), bounds);
      }),
    );
  return outcomes;
}
