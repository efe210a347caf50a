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
