import { type FileHandle, open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isHeld, leases, nodeMachine, TaskgraphError } from '@fewstep/taskgraph';
import { cannotWrite, codeOf, RunnerError } from '../errors.js';

/** Which state of a remote file bytes belong to. */
export interface Version {
  /** What If-Range takes: a strong ETag, or else the date of the last change. Without one there is no going on. */
  readonly validator: string | undefined;
  /** Length of the whole file, where the server says it. */
  readonly total: number | undefined;
}

/** The part of a file that is here already: `PATH.part`, and in `PATH.part.json` what it is of. */
export class PartFile {
  private constructor(
    private readonly address: string,
    readonly path: string,
    private readonly file: FileHandle,
    /** Of what; nothing where none has begun. */
    public version: Version | undefined,
    /** How much is here. */
    public bytes: number,
  ) {}

  static async open(path: string, address: string): Promise<PartFile> {
    const file = await open(path, 'a');
    const version = await versionIn(noteOf(path), address);
    return new PartFile(address, path, file, version, version ? (await file.stat()).size : 0);
  }

  /** Forgets what is here and begins a version. */
  async begin(version: Version): Promise<void> {
    await this.forget();
    await writeFile(noteOf(this.path), JSON.stringify({ address: this.address, ...version }));
    this.version = version;
  }

  async append(chunk: Uint8Array): Promise<void> {
    await this.file.appendFile(chunk);
    this.bytes += chunk.length;
  }

  /** Forgets what is here. */
  async forget(): Promise<void> {
    await rm(noteOf(this.path), { force: true });
    await this.file.truncate(0);
    this.version = undefined;
    this.bytes = 0;
  }

  /** Nothing stays that couldn't be gone on from. */
  async close(): Promise<void> {
    await this.file.close();
    if (this.bytes === 0 || this.version?.validator === undefined) await rm(this.path, { force: true });
  }
}

const noteOf = (path: string) => `${path}.json`;

/** What a note says, where it is one of ours about this address. */
async function versionIn(note: string, address: string): Promise<Version | undefined> {
  const text = await readFile(note, 'utf8').catch(() => '{}');
  try {
    const { address: of, validator, total } = JSON.parse(text);
    const known = typeof validator === 'string' && (total === undefined || Number.isSafeInteger(total));
    return of === address && known ? { validator, total } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes a file whole, one process at a time: opens what is here of it, lets `complete` add what is missing, and gives it its
 * name once it is on the disk and `check` is content with it; what that refuses is forgotten.
 *
 * @throws RunnerError `E_BUSY` while another process has it; `E_RESULTS` where the disk refuses
 */
export async function makeWhole(
  path: string,
  address: string,
  complete: (part: PartFile) => Promise<void>,
  check: (path: string) => Promise<void>,
): Promise<void> {
  const busy = (sentence: string) => new RunnerError('E_BUSY', sentence, { exitCode: 1, evidence: { path } });
  const machine = await nodeMachine();
  const { disk } = machine;
  try {
    await disk.folder(dirname(path));
    const lease = await leases(machine)(`${path}.lock`);
    if (isHeld(lease))
      throw busy(
        `another process${lease.holder ? ` (${lease.holder})` : ''} is downloading ${path}; wait for it, or end it and try again`,
      );
    try {
      const part = await PartFile.open(`${path}.part`, address);
      try {
        await complete(part);
        // a process that was stopped for long may have lost it to one that writes the same file
        if (!(await lease.held())) throw busy(`another process took over the download of ${path}; try again`);
        await check(part.path).catch(async (error: unknown) => {
          await part.forget();
          throw error;
        });
        await disk.move(part.path, path);
        await rm(noteOf(part.path), { force: true });
      } finally {
        await part.close();
      }
    } finally {
      await lease.release();
    }
  } catch (error) {
    if (error instanceof TaskgraphError || codeOf(error) === undefined) throw error;
    throw cannotWrite(path, error, 'what came so far is kept');
  }
}
