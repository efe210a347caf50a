import { expect, it } from 'vitest';
import { cleanCaption } from './caption.js';

it.each([
  ['plain ASCII as it is', 'A  man\nwith 2 <dogs> "here"', 'A  man\nwith 2 <dogs> "here"'],
  ['what HTML writes by name', 'cats &amp; dogs &lt;3', 'cats & dogs <3'],
  ['what it writes by number', 'it&#39;s &#x27;it&#X27;', "it's 'it'"],
  ['what it wrote three times, and no fourth', 'a &amp;amp;amp; b, &amp;amp;amp;amp; c', 'a & b, &amp; c'],
  ['what is no name of it', 'AT&T; &#0; &#x110000; a & b', 'AT&T; &#0; &#x110000; a & b'],
  ['curly quotes', '“it’s ‘so’”', "\"it's 'so'\""],
  ['ligatures and full width', 'ﬁsh ＡＢ！', 'fish AB!'],
  ['control characters', 'a\u0000b\u001b\ufeffc', 'abc'],
])('has %s', (_, caption, clean) => {
  expect(cleanCaption(caption)).toBe(clean);
});
