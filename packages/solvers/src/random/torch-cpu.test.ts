import { describe, expect, it } from 'vitest';
import { mt19937 } from './mt19937.js';
import { numpySeed, torchCpu } from './torch-cpu.js';

/** Beginnings of what PyTorch and NumPy print. */
const close = (found: Float64Array, printed: readonly number[]) => {
  expect(found.length).toBeGreaterThanOrEqual(printed.length);
  printed.forEach((value, i) => {
    expect(found[i]).toBeCloseTo(value, 6);
  });
};

describe('mt19937', () => {
  it('gives the 10,000th word that the C++ standard names for seed 5489', () => {
    const word = mt19937(5489);
    expect(word()).toBe(3499211612);
    for (let i = 2; i < 10000; i++) word();
    expect(word()).toBe(4123659995);
  });

  it('takes a seed modulo 2³²', () => {
    expect(mt19937(2 ** 32 + 5)()).toBe(mt19937(5)());
    expect(mt19937(2 ** 32 - 1)()).not.toBe(mt19937(0)());
    expect(mt19937(2 ** 31 + 5)()).not.toBe(mt19937(5)());
  });
});

describe('torchCpu', () => {
  it('rand', () => {
    expect([...torchCpu(0).rand(3)]).toEqual([0.49625658988952637, 0.7682217955589294, 0.08847743272781372]);
  });

  it('randint, whose bound need not be a power of two', () => {
    expect([...torchCpu(0).randint(10, 6)]).toEqual([4, 9, 3, 0, 3, 9]);
    expect([...torchCpu(42).randint(1000, 6)]).toEqual([542, 67, 876, 414, 26, 335]);
  });

  it('randint beyond the state’s 624 words', () => {
    expect([
      ...torchCpu(0)
        .randint(2 ** 31 - 1, 700)
        .slice(-3),
    ]).toEqual([1780553760, 1973251188, 747805126]);
  });

  it('randn of fewer than 16', () => {
    close(
      torchCpu(0).randn(5),
      [1.5409960746765137, -0.293428897857666, -2.1787893772125244, 0.5684312582015991, -1.0845223665237427],
    );
  });

  it('randn of 16 and more, in blocks', () => {
    close(
      torchCpu(0).randn(16),
      [-1.1258398294448853, -1.152360200881958, -0.2505785822868347, -0.4338788092136383],
    );
    close(torchCpu(0).randn(1024).slice(-3), [0.5374267101287842, 1.0826129913330078, -1.7104684114456177]);
  });

  it('randn of no multiple of 16 redraws its last 16', () => {
    const values = torchCpu(0).randn(17);
    close(values, [-1.1258398294448853, -1.6959311962127686, 0.5666506290435791, 0.7935083508491516]);
    close(values.slice(-3), [0.946298360824585, -0.843676745891571, 0.9318265914916992]);
  });

  it('goes on from one draw to the next, the value kept of a pair among them', () => {
    const generator = torchCpu(0);
    generator.randn(5);
    close(generator.randn(3), [-1.3985954523086548, 0.40334683656692505, 0.8380263447761536]);
    expect([...generator.randint(10, 4)]).toEqual([6, 8, 4, 3]);
    close(generator.randn(1), [-0.5966353416442871]);
    close(generator.randn(16), [0.46809640526771545, -0.1577124446630478]);
    close(generator.randn(2), [0.18203648924827576, 0.3703935444355011]);
  });

  it('gives float32 numbers', () => {
    for (const size of [9, 20]) {
      const values = torchCpu(3).randn(size);
      expect(values).toEqual(values.map(Math.fround));
    }
  });
});

it('numpySeed', () => {
  expect([0, 1, 2022].map(numpySeed)).toEqual([209652396, 1791095845, 40194941]);
});
