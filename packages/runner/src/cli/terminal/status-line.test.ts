import { expect, it } from 'vitest';
import { statusLine } from './status-line.js';

/** What is written in 25 steps of 600 ms, a step in each line of text. */
function written(isTTY: boolean, name = 'set.zip'): string[] {
  const screen = {
    isTTY,
    columns: 12,
    texts: [] as string[],
    write: (text: string) => screen.texts.push(text),
  };
  let now = 0;
  const line = statusLine(screen as never, () => now);
  for (let step = 0; step < 25; step++, now += 600) line.show(() => `${name}: ${step}`);
  line.end();
  return screen.texts;
}

it('renews itself on a terminal, no wider than that, and leaves nothing behind', () => {
  const texts = written(true);
  expect(texts).toHaveLength(24 + 1);
  expect(texts[0]).toBe('\r\x1b[2Kset.zip: 1');
  expect(texts[14]).toContain('set.zip: 15');
  for (const text of texts.slice(0, -1)) expect(text.length).toBeLessThanOrEqual(5 + 12);
  expect(texts.at(-1)).toBe('\r\x1b[2K');
});

it('comes anew each ten seconds elsewhere', () => {
  expect(written(false)).toEqual(['set.zip: 17\n']);
});

it('tells a name as it can be shown', () => {
  expect(written(false, 'a\x1b[31mb\nc')).toEqual(['a\\u001b[31mb\\nc: 17\n']);
});
