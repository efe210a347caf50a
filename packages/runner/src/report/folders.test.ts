import { expect, it } from 'vitest';
import { foldersOf } from './folders.js';

it('gives each label a folder of its own', () => {
  expect(foldersOf(['amed, num_steps 4', 'a/b', 'a-b', 'A b', '预测', '教师', '..', '###'])).toEqual([
    'amed-num_steps-4',
    'a-b',
    'a-b-2',
    'A-b-3',
    '预测',
    '教师',
    'point',
    'point-2',
  ]);
});

it('gives names that every file system takes, and tells apart', () => {
  expect(foldersOf(['nul', 'con.1', 'console', 'é', 'e\u0301', 'v1.'])).toEqual([
    'point-nul',
    'point-con.1',
    'console',
    'é',
    'e\u0301-2',
    'v1',
  ]);
});

it('gives no name of a file that a run leaves beside it', () => {
  expect(foldersOf(['log.txt', 'Run.JSON', 'spec.yml'])).toEqual(['log.txt-2', 'Run.JSON-2', 'spec.yml']);
});

it('shortens what is longer than a name may be, by bytes, whatever stands beside it', () => {
  const sigmas = (last: number) => `sigmas ${Array.from({ length: 60 }, (_, i) => 80 - i).join(' ')} ${last}`;
  const wide = '学習率を変えた場合の結果と考察ならびに比較対象の設定'.repeat(3);
  const labels = [sigmas(1), sigmas(2), wide, '𠮷'.repeat(100)];
  const folders = foldersOf(labels);
  for (const [i, folder] of folders.entries()) {
    expect(Buffer.byteLength(folder)).toBeLessThanOrEqual(128);
    expect(Buffer.byteLength(folder)).toBeGreaterThan(120);
    expect(folder).toMatch(/^(sigmas-80-79-|学習率を|𠮷𠮷)[\p{L}\d-]*-[0-9a-f]{12}$/u);
    expect(foldersOf([labels[i]!])).toEqual([folder]);
  }
  expect(new Set(folders).size).toBe(4);
});
