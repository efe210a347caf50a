import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  type Digest,
  type Disk,
  digestOfText,
  isHeld,
  leases,
  nodeMachine,
  TaskgraphError,
} from '@fewstep/taskgraph';
import { cannotWrite, codeOf, RunnerError } from '../errors.js';

/** Which state of a remote file bytes belong to. */
export interface Version {
  /** What If-Range takes: a strong ETag, or else a date that is as good. Without one there is no going on. */
  readonly validator: string | undefined;
  /** Length of the whole file, where the server says it. */
  readonly total: number | undefined;
}

/** What is said of a part beside it: of what it is, and how much of it is known to be sound. */
interface Note extends Version {
  /** Of the address, which may hold what is nobody else's to read. */
  readonly address: Digest;
  readonly bytes: number;
  /** Of so many bytes. */
  readonly sha256: Digest;
}

/** After so many bytes more the part is synced and its note renewed: what a process loses that is killed. */
const noteEvery = 64 * 2 ** 20;
const readAtOnce = 2 ** 20;

/**
 * The part of a file that is here already: `PATH.part`, and in `PATH.part.json` what it is of, and the SHA-256 of what was
 * on the disk when that was written. Only so much is gone on from, and only where it is still the same.
 */
export class PartFile {
  /** Of what; nothing where none has begun. */
  version: Version | undefined;
  /** How much is here. */
  bytes = 0;
  private hash = createHash('sha256');
  /** How much of it a note tells of. */
  noted = 0;

  private constructor(
    readonly path: string,
    private readonly address: Digest,
    private readonly file: FileHandle,
    private readonly disk: Disk,
  ) {}

  static async open(path: string, address: string, disk: Disk): Promise<PartFile> {
    const part = new PartFile(path, digestOfText(address), await open(path, 'a+'), disk);
    const note = await noteIn(noteOf(path));
    if (!(note?.address === part.address && (await part.take(note)))) await part.forget();
    return part;
  }

  /** Takes what is here as its note says, where it is so. */
  private async take({ bytes, sha256, validator, total }: Note): Promise<boolean> {
    const buffer = Buffer.allocUnsafe(readAtOnce);
    const hash = createHash('sha256');
    for (let at = 0; at < bytes; ) {
      const { bytesRead } = await this.file.read(buffer, 0, Math.min(readAtOnce, bytes - at), at);
      if (bytesRead === 0) return false;
      hash.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
    if (hash.copy().digest('hex') !== sha256) return false;
    await this.file.truncate(bytes);
    Object.assign(this, { version: { validator, total }, bytes, hash, noted: bytes });
    return true;
  }

  /** Forgets what is here and begins a version. */
  async begin(version: Version): Promise<void> {
    await this.forget();
    this.version = version;
  }

  async append(chunk: Uint8Array): Promise<void> {
    await this.file.appendFile(chunk);
    this.hash.update(chunk);
    this.bytes += chunk.length;
    if (this.bytes - this.noted >= noteEvery) await this.note();
  }

  /** Forgets what is here. */
  async forget(): Promise<void> {
    await rm(noteOf(this.path), { force: true });
    await this.file.truncate(0);
    Object.assign(this, { version: undefined, bytes: 0, hash: createHash('sha256'), noted: 0 });
  }

  /** Gives it its name: it is no part any more. */
  async become(path: string): Promise<void> {
    await this.disk.move(this.path, path);
    await rm(noteOf(this.path), { force: true });
    this.version = undefined;
  }

  /** Nothing stays that couldn't be gone on from. */
  async close(): Promise<void> {
    // where the disk refuses, what the note before this one tells is as sound as it was
    if (this.bytes > this.noted) await this.note().catch(() => {});
    await this.file.close();
    if (!this.version?.validator || this.noted === 0) await rm(this.path, { force: true });
  }

  private async note(): Promise<void> {
    const { address, version, bytes } = this;
    if (!version?.validator) return;
    await this.file.datasync();
    const note = { address, ...version, bytes, sha256: this.hash.copy().digest('hex') };
    await this.disk.replace(noteOf(this.path), JSON.stringify(note));
    this.noted = bytes;
  }
}

const noteOf = (path: string) => `${path}.json`;

/** What a note says, where it is one of ours. */
async function noteIn(path: string): Promise<Note | undefined> {
  const text = await readFile(path, 'utf8').catch(() => 'null');
  try {
    const note = JSON.parse(text) as Partial<Note> | null;
    const { validator, total, bytes } = note ?? {};
    const known = typeof validator === 'string' && (total === undefined || Number.isSafeInteger(total));
    return known && Number.isSafeInteger(bytes) ? (note as Note) : undefined;
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
  let kept = 0;
  try {
    await disk.folder(dirname(path));
    const lease = await leases(machine)(`${path}.lock`);
    if (isHeld(lease))
      throw busy(
        `another process${lease.holder ? ` (${lease.holder})` : ''} is downloading ${path}; wait for it, or end it and try again`,
      );
    try {
      const part = await PartFile.open(`${path}.part`, address, disk);
      try {
        await complete(part);
        // a process that was stopped for long may have lost it to one that writes the same file
        if (!(await lease.held())) throw busy(`another process took over the download of ${path}; try again`);
        await check(part.path).catch(async (error: unknown) => {
          await part.forget();
          throw error;
        });
        await part.become(path);
      } finally {
        await part.close();
        kept = part.noted;
      }
    } finally {
      await lease.release();
    }
  } catch (error) {
    if (error instanceof TaskgraphError || codeOf(error) === undefined) throw error;
    throw cannotWrite(path, error, kept > 0 ? `${kept} bytes of it are kept` : 'nothing of it is kept');
  }
}
