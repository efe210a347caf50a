import { describe, expect, it } from 'vitest';
import { iddpmTable } from './iddpm.js';

const table = iddpmTable();

describe('iddpmTable', () => {
  it('descends from the published largest level to 0', () => {
    expect(table.u).toHaveLength(1001);
    expect(table.u[0]).toBeCloseTo(20291.1696, 3);
    expect(table.u[500]).toBeCloseTo(1.01238956, 7);
    expect(table.u[1000]).toBe(0);
    table.u.subarray(1).forEach((level, i) => {
      expect(level).toBeLessThan(table.u[i]!);
    });
  });

  it('rounds to the nearest entry', () => {
    expect(table.indexOf(1)).toBe(504);
    expect(table.round(80)).toBeCloseTo(80.2037, 4);
    expect(table.indexOf(1e9)).toBe(0);
    expect(table.indexOf(-1)).toBe(1000);
  });

  it('refuses no entries', () => {
    expect(() => iddpmTable({ M: 0 })).toThrow(expect.objectContaining({ code: 'E_SCHEDULE' }));
  });
});
