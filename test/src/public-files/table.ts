import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PublicInput, publicInputs } from './inputs.js';

/**
 * The page of what public files are read as: each input is made and read, so that the page says what happens.
 *
 * @throws Error where one is read, or refused, otherwise than is right
 */
export async function publicFiles(): Promise<string> {
  const rows: string[] = [];
  for (const input of publicInputs)
    rows.push(`| ${input.file} | ${input.after} | ${await outcomeOf(input)} |`);
  return `# What becomes of public files

Made by \`npm run reference\`, which makes each of these inputs in small, after a file or a layout that is published, and reads it. What a file can't say is asked for, what isn't read is refused: nothing is guessed.

| input | after | what becomes of it |
| --- | --- | --- |
${rows.map((row) => row.replaceAll('<', '&lt;')).join('\n')}
`;
}

async function outcomeOf({ file, read, reads, refuses }: PublicInput): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fewstep-public-'));
  const [what, outcome] = await read(folder)
    .then((found) => ['reads', found] as const)
    .catch((error: Error) => ['refuses', error.message] as const)
    .finally(() => rm(folder, { recursive: true }));
  const right = what === 'reads' ? reads : refuses;
  if (!right?.test(outcome)) throw new Error(`${file}: ${what} ${outcome}, which is not right`);
  // what is read is named in the first column already
  const said = outcome
    .replaceAll(`${folder}/`, '')
    .replace(new RegExp(`^(${folder}|[\\w.-]+\\.(safetensors|pt|ckpt|npz)): `, 'i'), '')
    .replace(/\s+/g, ' ');
  return what === 'reads' ? `read: ${said}` : `refused: ${said.replaceAll('|', '\\|')}`;
}
