/** Numbers that lengths, counts and offsets go wrong at. */
const EDGES = [0n, 1n, 0x7fn, 0xffn, 0x7fffn, 0xffffn, 0x7fffffffn, 0xffffffffn, 2n ** 53n, 2n ** 63n - 1n];

/** Uniform integers below a bound, from a seed (mulberry32). */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Random = (below: number) => number;
type Mutation = (bytes: Buffer, random: Random) => Buffer;

const spanOf = (bytes: Buffer, random: Random) => {
  const start = random(bytes.length);
  return { start, end: Math.min(bytes.length, start + 1 + random(random(2) ? 8 : 256)) };
};

const overwrite = (bytes: Buffer, at: number, patch: Uint8Array): Buffer => {
  const copy = Buffer.from(bytes);
  copy.set(patch.subarray(0, copy.length - at), at);
  return copy;
};

const mutations: readonly Mutation[] = [
  function flipBits(bytes, random) {
    const copy = Buffer.from(bytes);
    for (let i = 1 + random(4); i > 0; i--) copy[random(copy.length)]! ^= 1 << random(8);
    return copy;
  },
  function setBytes(bytes, random) {
    const copy = Buffer.from(bytes);
    for (let i = 1 + random(4); i > 0; i--) copy[random(copy.length)] = random(256);
    return copy;
  },
  function setNumber(bytes, random) {
    const patch = Buffer.alloc(8);
    patch.writeBigUInt64LE(EDGES[random(EDGES.length)]!);
    return overwrite(bytes, random(bytes.length), patch.subarray(0, 2 ** random(4)));
  },
  function remove(bytes, random) {
    const { start, end } = spanOf(bytes, random);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
  },
  function repeat(bytes, random) {
    const { start, end } = spanOf(bytes, random);
    const times = 1 + random(random(8) ? 4 : 2000);
    const copies = Array.from({ length: times }, () => bytes.subarray(start, end));
    return Buffer.concat([bytes.subarray(0, start), ...copies, bytes.subarray(start)]);
  },
  function move(bytes, random) {
    const { start, end } = spanOf(bytes, random);
    return overwrite(bytes, random(bytes.length), bytes.subarray(start, end));
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, random(bytes.length));
  },
];

export interface Mutant {
  readonly bytes: Buffer;
  /** Its end was cut off and nothing else done. */
  readonly cut: boolean;
}

/** The file spoilt in one to three ways; the same for the same number. */
export function mutantOf(original: Buffer, number: number): Mutant {
  const random = randomFrom(number);
  let bytes = original;
  const done: string[] = [];
  for (let i = random(3) ? 0 : random(3); i >= 0 && bytes.length > 0; i--) {
    const mutate = mutations[random(mutations.length)]!;
    bytes = mutate(bytes, random);
    done.push(mutate.name);
  }
  return { bytes, cut: done.every((name) => name === 'truncate') };
}
