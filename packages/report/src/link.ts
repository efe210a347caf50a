import { readFile } from 'node:fs/promises';
import { init, parse } from 'es-module-lexer';

/**
 * Modules of ours as one script: each behind those that it imports, without their imports and the word `export`. What they
 * declare shares one scope, so no two may have one name at their top; a test runs the script.
 *
 * @param entry file URL of a compiled module that imports nothing but modules beside it, by name
 */
export async function linked(entry: string): Promise<string> {
  await init;
  const parts = new Map<string, string>();
  const add = async (url: string): Promise<void> => {
    if (parts.has(url)) return;
    parts.set(url, '');
    const source = await readFile(new URL(url), 'utf8');
    const [imports] = parse(source);
    let [code, at] = ['', 0];
    for (const { n: name, ss: start, se: end, d: dynamic } of imports) {
      if (name === undefined || dynamic !== -1)
        throw new Error(`${url} imports what is only known as it runs`);
      await add(new URL(name, url).href);
      code += source.slice(at, start);
      at = source.startsWith(';', end) ? end + 1 : end;
    }
    code += source.slice(at);
    parts.delete(url); // behind what it imports
    parts.set(url, code.replace(/^export (?=(?:async )?(?:function|const|class|let) )/gm, ''));
  };
  await add(entry);
  const code = [...parts.values()].join('\n').replace(/^\/\/# sourceMappingURL=.*$/gm, '');
  return `(() => {\n'use strict';\n${code}\n})();\n`;
}
