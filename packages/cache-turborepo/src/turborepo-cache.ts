import { createHash, hash } from 'node:crypto';
import type { Content, Remote } from '@fewstep/taskgraph';
import {
  type Chunk,
  chunkBytes,
  formatHead,
  idOf,
  inlineBytes,
  mostHeadBytes,
  nameOfChunk,
  parseArtifact,
} from './artifact.js';
import { type Server, server } from './server.js';
import { isTag, tagger, tagOf } from './tag.js';

/** The variables of the environment that it reads, which are Turborepo's own. */
interface Environment {
  readonly TURBO_API?: string | undefined;
  readonly TURBO_TOKEN?: string | undefined;
  readonly TURBO_TEAM?: string | undefined;
  readonly TURBO_TEAMID?: string | undefined;
  readonly TURBO_REMOTE_CACHE_SIGNATURE_KEY?: string | undefined;
}

/**
 * A cache on a server of the Turborepo Remote Cache API, as `turborepo-remote-cache`.
 *
 * A name becomes an artifact of 16 hex digits, with the whole name in it; what is longer than 256 KiB is cut into chunks of 8
 * MiB, each an artifact by its SHA-256, and the artifact of its name lists them. With TURBO_REMOTE_CACHE_SIGNATURE_KEY each is
 * signed as Turborepo signs, and what is not, or not rightly, is not there.
 *
 * - `place`: must be empty: address and token belong together, and both come from the environment.
 *
 * @throws Error where a variable is lacking, or a place is given
 */
export function cache({
  place,
  environment = process.env,
}: {
  place?: string | undefined;
  environment?: Environment;
} = {}): Remote {
  if (place !== undefined)
    throw new Error('it has no place: its address is TURBO_API, so that TURBO_TOKEN goes there alone');
  const [api, token] = [environment.TURBO_API, environment.TURBO_TOKEN];
  if (!api || !token)
    throw new Error(`${api ? 'TURBO_TOKEN' : 'TURBO_API'} is not in the environment, and it needs both`);
  if (!/^https?:$/.test(URL.canParse(api) ? new URL(api).protocol : ''))
    throw new Error('TURBO_API is no address of http or https');
  const team = environment.TURBO_TEAM || undefined;
  const teamId = environment.TURBO_TEAMID || undefined;
  return remoteOf(
    server({ api, token, team, teamId }),
    environment.TURBO_REMOTE_CACHE_SIGNATURE_KEY || undefined,
    teamId ?? '',
  );
}

function remoteOf(on: Server, secret: string | undefined, teamId: string): Remote {
  let isTold = false;
  /** Told once, as a failure of the server's; after that it is as if nothing were there. */
  const untrusted = (name: string): undefined => {
    if (isTold) return undefined;
    isTold = true;
    throw new Error(
      `${name} is not signed with TURBO_REMOTE_CACHE_SIGNATURE_KEY: such are passed over, and a server keeps signatures only where it has a key itself`,
    );
  };
  const send = async (
    name: string,
    parts: readonly Uint8Array[],
    { moved = () => {} }: Content,
    signal: AbortSignal,
  ): Promise<void> => {
    const id = idOf(name);
    const body = Buffer.concat(parts);
    const tag = secret === undefined ? undefined : tagOf(secret, id, teamId, body);
    await on.put(id, body, { tag, moved, signal });
  };

  const sendChunk = async (bytes: Buffer, content: Content, signal: AbortSignal): Promise<Chunk> => {
    const chunk: Chunk = { digest: hash('sha256', bytes, 'hex'), size: bytes.length };
    const name = nameOfChunk(chunk);
    if (!(await on.head(idOf(name), signal)))
      await send(name, [formatHead({ name, size: chunk.size }), bytes], content, signal);
    return chunk;
  };

  /** The bytes of a chunk as they come. @throws Damaged where it is not what it must be */
  async function* received(chunk: Chunk, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const name = nameOfChunk(chunk);
    const artifact = await on.get(idOf(name), signal);
    if (!artifact) throw new Damaged();
    const head = formatHead({ name, size: chunk.size });
    const signing =
      secret === undefined ? undefined : tagger(secret, idOf(name), teamId, head.length + chunk.size);
    const digest = createHash('sha256');
    let at = 0;
    for await (const part of artifact.body) {
      const inHead = Math.min(Math.max(head.length - at, 0), part.length);
      if (!head.subarray(at, at + inHead).equals(part.subarray(0, inHead))) throw new Damaged();
      at += part.length;
      if (at > head.length + chunk.size) throw new Damaged();
      signing?.update(part);
      const bytes = part.subarray(inHead);
      digest.update(bytes);
      if (bytes.length > 0) yield bytes;
    }
    if (digest.digest('hex') !== chunk.digest) throw new Damaged();
    if (signing && !isTag(artifact.tag, signing.tag())) {
      untrusted(name);
      throw new Damaged();
    }
  }

  /** Cut short where a chunk is not what it must be: whoever compares the whole with its digest sees it. */
  async function* chunksOf(chunks: readonly Chunk[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      for (const chunk of chunks) yield* received(chunk, signal);
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
    }
  }

  return {
    has: (name, signal) => on.head(idOf(name), signal),

    async get(name, signal) {
      const id = idOf(name);
      const artifact = await on.get(id, signal);
      if (!artifact) return undefined;
      const parts: Uint8Array[] = [];
      let size = 0;
      for await (const part of artifact.body) {
        parts.push(part);
        size += part.length;
        if (size > mostHeadBytes) return undefined;
      }
      const body = Buffer.concat(parts);
      if (secret !== undefined && !isTag(artifact.tag, tagOf(secret, id, teamId, body)))
        return untrusted(name);
      const found = parseArtifact(body, name);
      if (!found) return undefined;
      return 'bytes' in found ? one(found.bytes) : chunksOf(found.chunks, signal);
    },

    async put(name, content, signal) {
      if (content.size <= inlineBytes) {
        const parts: Uint8Array[] = [];
        for await (const part of content.open()) parts.push(part);
        const size = parts.reduce((sum, part) => sum + part.length, 0);
        return send(name, [formatHead({ name, size }), ...parts], content, signal);
      }
      const chunks: Chunk[] = [];
      for await (const bytes of inChunks(content)) chunks.push(await sendChunk(bytes, content, signal));
      const size = chunks.reduce((sum, chunk) => sum + chunk.size, 0);
      await send(name, [formatHead({ name, size, chunks })], content, signal);
    },
  };
}

class Damaged extends Error {}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A content in pieces of `chunkBytes`, the last one shorter. */
async function* inChunks({ open }: Content): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (let part of open()) {
    while (size + part.length >= chunkBytes) {
      const taken = chunkBytes - size;
      yield Buffer.concat([...parts, part.subarray(0, taken)]);
      part = part.subarray(taken);
      [parts, size] = [[], 0];
    }
    parts.push(part);
    size += part.length;
  }
  if (size > 0) yield Buffer.concat(parts);
}
