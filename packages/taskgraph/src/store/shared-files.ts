import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Digest } from '../digest.js';
import type { Output } from './record.js';
import type { Remote } from './remote.js';
import type { Store } from './store.js';

/** Files where all machines reach them that compute one graph: in a remote, or in the store where they share its folder. */
export interface SharedFiles {
  /**
   * Sees to it that a file of the store is there; says whether it is. `anew`: whatever is there of it is replaced.
   *
   * @throws Error of the remote, where it doesn't take it
   */
  offer(output: Output, options?: { readonly anew?: boolean }): Promise<boolean>;
  /**
   * Sees to it that a file from outside is there, if its bytes alone are what its digest is of; its size, or nothing where
   * they aren't or it is of more bytes. `anew` as above.
   */
  offerOutside(
    digest: Digest,
    path: string,
    options: { readonly mostBytes: number; readonly anew?: boolean },
  ): Promise<Output | undefined>;
  /** Notes what another machine has put there. */
  trust(outputs: readonly Output[]): void;
}

/** What an answer may take, and bytes a second that are fewer than any network's. */
const answerMs = 30_000;
const slowest = 100_000;

export function sharedFiles(store: Store, remote?: Remote): SharedFiles {
  const there = new Set<Digest>();
  const within = (size: number) => AbortSignal.timeout(answerMs + Math.ceil((size / slowest) * 1000));
  const nameOf = ({ digest }: Output) => `blobs/${digest}`;

  /** `open`: its bytes; nothing where it is not here. */
  const give = async (
    output: Output,
    anew: boolean,
    open: () => Promise<(() => AsyncIterable<Uint8Array>) | undefined>,
  ): Promise<boolean> => {
    if (!anew && there.has(output.digest)) return true;
    if (remote) {
      if (anew || !(await remote.has(nameOf(output), within(0)))) {
        const content = await open();
        if (!content) return false;
        await remote.put(nameOf(output), { size: output.size, open: content }, within(output.size));
      }
    } else if ((await store.blob(output)) === undefined) {
      const content = await open();
      if (!content || !(await store.receive(output, content()))) return false;
    }
    there.add(output.digest);
    return true;
  };

  return {
    offer: (output, { anew = false } = {}) =>
      give(output, anew, async () =>
        (await store.blob(output)) === undefined ? undefined : () => store.content(output),
      ),
    async offerOutside(digest, path, { mostBytes, anew = false }) {
      const found = await stat(path);
      if (!found.isFile() || found.size > mostBytes) return undefined;
      const output = { digest, size: found.size };
      if (!anew && there.has(digest)) return output;
      const hash = createHash('sha256');
      for await (const bytes of createReadStream(path)) hash.update(bytes);
      if (hash.digest('hex') !== digest) return undefined;
      return (await give(output, anew, async () => () => createReadStream(path))) ? output : undefined;
    },
    trust(outputs) {
      for (const { digest } of outputs) there.add(digest);
    },
  };
}
