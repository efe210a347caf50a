import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Digest, digestOfText, isDigest } from '../digest.js';
import { codeOf, TaskgraphError } from '../errors.js';
import type { Machine, Stamp } from './machine.js';

/** A file or folder from outside, as it was when it was looked at. */
export interface OutsideFile {
  readonly path: string;
  readonly as: string | undefined;
  /** Of its bytes; of several files, over their names and the digests of their bytes. */
  readonly digest: Digest;
  /** Another one whenever one of its files is another, or was written. */
  readonly seen: string;
  /** Of a file: itself and those beside it. */
  readonly names: readonly string[] | undefined;
}

/**
 * Which files a file or folder from outside stands for, relative to the folder it is (in): itself and what lies beside it
 * that it names, or what counts of a folder. `as`: what it is taken for.
 */
export type FilesOf = (path: string, as: string | undefined) => Promise<readonly string[]>;

/** One file of those that something stands for. */
interface Entry {
  readonly name: string;
  readonly stamp: string;
  readonly digest: Digest;
}

/** Times of change may be as coarse as this: what changed a moment ago may change again without a new one. */
const coarseMs = 2_000;
/** As coarse as kernels' own clocks are. */
const tickMs = 25;

/** Notes of what files outside of the store were when they were hashed, so that they are hashed once. */
export function fileNotes({ disk, clock }: Machine, folder: string, filesOf: FilesOf) {
  /** Each file that it stands for, with its stamp. */
  const outline = async (
    path: string,
    as: string | undefined,
    known: (stamp: Stamp) => readonly string[] | undefined,
  ) => {
    const stamp = await disk.stamp(path);
    const isFolder = stamp?.isFolder === true;
    const names = (stamp && known(stamp)) ?? [...(await filesOf(path, as))].sort();
    const base = isFolder ? path : join(path, '..');
    const stamps: (Stamp | undefined)[] = [];
    for (const [i, name] of names.entries()) {
      stamps.push(await disk.stamp(join(base, name)));
      if (i % 256 === 255) await clock.sleep(0); // a folder of a slow disk keeps nothing else from going on
    }
    const entries = names.flatMap((name, i) => {
      const stamp = stamps[i];
      return stamp && !stamp.isFolder ? [{ name, path: join(base, name), stamp }] : [];
    });
    if (!isFolder && entries.length === 0) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return { isFolder, names, entries };
  };
  const seenOf = (entries: readonly { readonly name: string; readonly stamp: Stamp }[]) =>
    digestOfText(entries.map(({ name, stamp }) => `${stamp.id}  ${name}`).join('\n'));

  const guarded = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof TaskgraphError) throw error;
      const code = codeOf(error);
      // what tells which files it stands for has its own words for what is wrong with one
      if (code?.startsWith('E_')) throw error;
      throw new TaskgraphError(
        'E_FILE',
        `${path} can't be read (${code ?? error}): it must be there, and stay as it is until the run ends.`,
        { cause: error, evidence: { path } },
      );
    }
  };

  return {
    /** Its digest, read again only where a file was touched. @throws E_FILE, E_INPUT_CHANGED */
    look: (path: string, as?: string): Promise<OutsideFile> =>
      guarded(path, async () => {
        const noteFile = join(folder, `${digestOfText(as === undefined ? path : `${path} as ${as}`)}.json`);
        const note = await disk
          .read(noteFile)
          .then(parseNote)
          .catch(() => new Map<string, Entry>());
        // what files name is in their contents, so while none of them was touched it is known
        const isNoted = (name: string, { id }: Stamp) => note.get(name)?.stamp === id;
        let isKnown = false;
        const noted = await outline(path, as, (stamp) => {
          isKnown = isNoted(basename(path), stamp);
          return isKnown ? [...note.keys()] : undefined;
        });
        const isTouched = noted.entries.some(({ name, stamp }) => !isNoted(name, stamp));
        const { isFolder, names, entries } =
          isKnown && isTouched ? await outline(path, as, () => undefined) : noted;
        let isNew = note.size !== entries.length;
        const found = await Promise.all(
          entries.map(async ({ name, path: file, stamp }): Promise<Entry & { readonly now: Stamp }> => {
            const known = note.get(name);
            if (known?.stamp === stamp.id) return { ...known, now: stamp };
            isNew = true;
            if (Math.abs(Date.now() - stamp.changedMs) < tickMs) await clock.sleep(tickMs);
            const hashed = await disk.hash(file);
            if (!hashed) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
            return { name, stamp: hashed.stamp.id, digest: hashed.digest, now: hashed.stamp };
          }),
        );
        const settled = found.every(({ now }) => Date.now() - now.changedMs > coarseMs);
        if (isNew && settled) {
          const text = JSON.stringify(found.map(({ name, stamp, digest }) => [name, stamp, digest]));
          // Without the note they are hashed again next time, and nothing is lost: a full or read-only store may do.
          await disk
            .folder(folder)
            .then(() => disk.replace(noteFile, text))
            .catch(() => {});
        }
        const alone = !isFolder && found.length === 1;
        const digest = alone
          ? found[0]!.digest
          : digestOfText(found.map(({ name, digest }) => `${digest}  ${name}`).join('\n'));
        return {
          path,
          as,
          digest,
          names: isFolder ? undefined : names,
          seen: seenOf(found.map(({ name, now }) => ({ name, stamp: now }))),
        };
      }),
    /** Whether none of its files was touched since. */
    isAsSeen: ({ path, as, names, seen }: OutsideFile): Promise<boolean> =>
      outline(path, as, () => names).then(
        ({ entries }) => seenOf(entries) === seen,
        () => false,
      ),
  };
}

/** What a note says, by the names of files; of one that is damaged or of an earlier version, nothing. */
function parseNote(bytes: Uint8Array | undefined): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  if (!bytes) return entries;
  for (const [name, stamp, digest] of JSON.parse(new TextDecoder().decode(bytes))) {
    if (typeof name !== 'string' || typeof stamp !== 'string' || !isDigest(digest)) return new Map();
    entries.set(name, { name, stamp, digest });
  }
  return entries;
}

/** Files that systems leave in folders on their own. */
const junk = /(^|[/\\])(\.[^/\\]*|@eaDir|__MACOSX|Thumbs\.db|desktop\.ini)([/\\]|$)/i;

/** Everything in a folder, and in those that links in it lead to, but what systems leave there; of a file itself alone. */
export const everyFile: FilesOf = async (path) => {
  if (!(await stat(path)).isDirectory()) return [basename(path)];
  const files: string[] = [];
  const enter = async (folder: string, above: readonly string[]) => {
    const here = await realpath(join(path, folder));
    if (above.includes(here)) return; // a link back up: on the way here all of it is met
    for (const entry of await readdir(join(path, folder), { withFileTypes: true })) {
      const name = join(folder, entry.name);
      if (junk.test(name)) continue;
      const isFolder = entry.isSymbolicLink()
        ? await stat(join(path, name)).then(
            (target) => target.isDirectory(),
            () => false,
          )
        : entry.isDirectory();
      if (isFolder) await enter(name, [...above, here]);
      else files.push(name);
    }
  };
  await enter('', []);
  return files;
};
