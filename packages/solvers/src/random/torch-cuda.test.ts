import { describe, expect, it } from 'vitest';
import { SolverError } from '../solver-error.js';
import { philox4x32 } from './philox.js';
import { torchCuda } from './torch-cuda.js';

/** What PyTorch prints, to its four digits. */
const printed = (values: Iterable<number>) => [...values].map((value) => Number(value.toFixed(4)));

/** Threads of cards, from their multiprocessors. */
const cards = { a4000: 48 * 1536, v100: 80 * 2048, a100: 108 * 2048, h100: 132 * 2048 };

describe('philox4x32', () => {
  const all = 0xffffffff;
  it.each([
    ['zeros', [0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
    ['ones', [all, all, all, all], [all, all], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]],
    [
      'digits of pi',
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('gives Random123’s known answer for %s', (_, counter, key, answer) => {
    expect(philox4x32(counter, key)).toEqual(answer);
  });
});

describe('torchCuda', () => {
  it('randn, as a card computed it', () => {
    const card = [
      -0.9246624, -0.42534423, -2.6438458, 0.14518386, -0.1208664, -0.57972574, -0.622851, -0.3283869,
      -1.0745419, -0.36314395, -1.6710504, 2.2655048, 0.3116848, -0.1841891, 1.2866427, 1.1819527,
    ];
    torchCuda(0)
      .randn(16)
      .forEach((value, i) => {
        expect(Math.abs(value - card[i]!)).toBeLessThan(4e-7);
      });
  });

  it('randn, as others compute it', () => {
    const published = [
      -0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564, -0.62285122, -0.32838709,
      -1.07454231, -0.36314407, -1.67105067, 2.26550497,
    ];
    torchCuda(0)
      .randn(12)
      .forEach((value, i) => {
        expect(Math.abs(value - published[i]!)).toBeLessThan(2.5e-7);
      });
    expect(printed(torchCuda(10).randn(3))).toEqual([-0.1029, 1.681, -0.2708]);
  });

  it('rand', () => {
    expect(printed(torchCuda(0).rand(5))).toEqual([0.399, 0.5167, 0.0249, 0.9401, 0.9459]);
  });

  it('draws uniform numbers from the middle of their intervals', () => {
    expect(philox4x32([0, 0, 490, 0], [0, 0])[0]).toBe(5_333_040);
    expect(torchCuda(0).rand(491)[490]).toBe(5_333_040.5 / 2 ** 32);
  });

  it('randint', () => {
    expect([...torchCuda(0).randint(100, 8)]).toEqual([41, 97, 91, 72, 53, 4, 3, 33]);
  });

  it('goes on from one draw to the next, of whatever size and kind', () => {
    const normal = torchCuda(42);
    expect(printed(normal.randn(4))).toEqual([0.194, 2.1614, -0.1721, 0.8491]);
    expect(printed(normal.randn(4))).toEqual([0.1391, -0.1082, -0.7174, 0.7566]);
    expect(printed(normal.randn(4))).toEqual([-0.5187, 1.2268, 0.6255, -0.9117]);
    const uniform = torchCuda(0);
    uniform.rand(10);
    uniform.rand(0);
    expect(printed(uniform.rand(4))).toEqual([0.9722, 0.791, 0.469, 0.33]);
    const mixed = torchCuda(0);
    mixed.randn(12_288);
    expect(mixed.randint(1000, 1)[0]).toBe(philox4x32([1, 0, 0, 0], [0, 0])[0] % 1000);
  });

  it('draws the second normals of the subsequences where the first are used up', () => {
    const values = torchCuda(14, { threads: cards.a4000 }).randn(100_000);
    const row = (from: number) =>
      printed([0, 1, 2, 97, 98, 99].map((i) => 5 + Math.sqrt(5) * values[from + i]!));
    expect(row(0)).toEqual([2.8731, 5.2727, 2.9889, 1.6853, 9.6331, 6.6319]);
    expect(row(99_700)).toEqual([8.6297, 2.3137, 6.2596, 7.9358, 4.4697, 2.7475]);
    expect(row(99_900)).toEqual([2.7337, 2.2106, 7.7815, 8.2207, 6.5395, 4.2604]);
  });

  it('makes the third and the fourth normal of the other two words', () => {
    const [, , x, y] = philox4x32([0, 0, 0, 0], [0, 0]);
    const values = torchCuda(0, { threads: 256 }).randn(1024);
    const radius = Math.sqrt(-2 * Math.log(x / 2 ** 32));
    expect(values[512]).toBeCloseTo(radius * Math.sin((2 * Math.PI * y) / 2 ** 32), 6);
    expect(values[768]).toBeCloseTo(radius * Math.cos((2 * Math.PI * y) / 2 ** 32), 6);
  });

  it('draws in rounds where all four are', { timeout: 30_000 }, () => {
    const last = torchCuda(1, { threads: cards.a100 })
      .randn(49 * 12 * 112 * 144)
      .slice(-3);
    expect(printed(last)).toEqual([0.1549, -0.6797, -0.1656]);
  });

  it('goes on after rounds: a draw takes as many words of a subsequence as it has rounds', () => {
    const generator = torchCuda(0, { threads: 256 });
    generator.randn(256 * 4 + 1);
    expect(generator.randint(1000, 1)[0]).toBe(philox4x32([2, 0, 0, 0], [0, 0])[0] % 1000);
  });

  it('draws a latent of 3×256×256 alike on an A100 and any larger card, not on a smaller one', () => {
    const last = (threads?: number) =>
      torchCuda(3, threads === undefined ? {} : { threads })
        .randn(3 * 256 * 256)
        .at(-1);
    expect(last()).toBe(last(cards.h100));
    expect(last()).not.toBe(last(cards.v100));
  });

  it('has a key of 64 bits', () => {
    expect(torchCuda(2 ** 32 + 5).randint(100, 1)[0]).toBe(philox4x32([0, 0, 0, 0], [5, 1])[0] % 100);
  });

  it('gives float32 numbers, uniform ones below 1', () => {
    const values = torchCuda(3).randn(20);
    expect(values).toEqual(values.map(Math.fround));
  });

  it('draws 0 for a uniform number that rounds to 1', () => {
    expect(philox4x32([0, 0, 396, 0], [19_945, 0])[0]).toBeGreaterThan(2 ** 32 - 128);
    expect(torchCuda(19_945).rand(397)[396]).toBe(0);
  });

  it.each([
    ['a negative seed', () => torchCuda(-1), { seed: -1 }],
    ['half a seed', () => torchCuda(0.5), { seed: 0.5 }],
    ['threads that are no whole blocks', () => torchCuda(0, { threads: 300 }), { threads: 300 }],
    ['no threads', () => torchCuda(0, { threads: 0 }), { threads: 0 }],
    ['integers of 28 bits', () => torchCuda(0).randint(2 ** 28, 1), { high: 2 ** 28 }],
  ])('refuses %s', (_, attempt, evidence) => {
    expect(attempt).toThrow(SolverError);
    expect(attempt).toThrow(expect.objectContaining({ code: 'E_SOLVER', evidence }));
  });
});
