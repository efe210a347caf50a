/**
 * A caption as OpenCLIP and OpenAI's CLIP clean it before it goes into tokens: characters that HTML writes by name or
 * number, three times over, for ftfy does it once and they twice; straight quotes for curly ones; plain letters for
 * ligatures and for those of full width; no control characters. Space and case are the tokenizer's. ASCII without `&`
 * stays as it is.
 *
 * Of the names of HTML the five of XML and `nbsp` are known. Text that was decoded wrongly (`â€™` for `’`) stays so,
 * which ftfy would mend.
 */
export const cleanCaption = (caption: string): string =>
  unescapeHtml(unescapeHtml(unescapeHtml(caption)))
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/[\ufb00-\ufb06\uff01-\uffef]/g, (letter) => letter.normalize('NFKC'))
    .replace(CONTROLS, '');

// all but those of space, and those that stand for letters of Windows where text was decoded wrongly
const CONTROLS = /[^\P{Cc}\t\n\f\r\u0080-\u009f]|\ufeff/gu;

const names = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', ' '],
]);

const unescapeHtml = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return names.get(name) ?? whole;
    const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
