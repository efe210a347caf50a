import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pointsJson, type ReportData, resultsCsv, resultsTex } from '@fewstep/report';
import { autoType, csvParse } from 'd3-dsv';
import { describe, expect, it } from 'vitest';
import { madeUp } from './report/made-up.js';

const run = promisify(execFile);

/** A report of one point, whose label and setting are that text. */
function labelled(text: string): ReportData {
  const data = madeUp([5]);
  const [point] = data.points;
  const [group] = data.groups;
  const named = { label: text, series: text, settings: { key: text } };
  return { ...data, points: [{ ...point!, ...named }], groups: [{ ...group!, ...named }] };
}

describe('results.csv', () => {
  it('has the types that a reader infers: numbers as numbers, texts as they are, nothing where nothing is', () => {
    const data = madeUp();
    const rows = csvParse(resultsCsv(data), autoType) as unknown as Record<string, unknown>[];
    expect(rows).toHaveLength(42);
    const types = (name: string) =>
      [...new Set(rows.map((row) => (row[name] === null ? 'null' : typeof row[name])))].sort();
    for (const name of ['nfe', 'fid', 'fid_ci95', 'rmse_to_teacher', 'images', 'student.num_steps'])
      expect([name, types(name)]).toEqual([name, ['number']]);
    for (const name of ['label', 'experiment', 'student.solver'])
      expect([name, types(name)]).toEqual([name, ['string']]);
    expect(types('train_calls')).toEqual(['null', 'number']);
    expect(types('depth')).toEqual(['null']);
    expect(rows.map((row) => row.fid)).toEqual(data.points.map(({ figures }) => figures.fid!.value));
  });

  it.each(['=1+1', '+1', '-2', '@SUM(A1)', '\t=1', '=cmd|"/c calc"!A1'])('has no formula: %j', (text) => {
    const [row] = csvParse(resultsCsv(labelled(text)));
    expect([row!.label, row!.key]).toEqual([`'${text}`, `'${text}`]);
  });

  it.each(['a, b', 'say "b"', 'two\nlines', '<b>', 'σ ≤ 3', ' '])('has a text as it is: %j', (text) => {
    expect(csvParse(resultsCsv(labelled(text)))[0]!.label).toBe(text);
  });

  it('has what is infinite, which psnr of equal images is', () => {
    const data = madeUp([5]);
    const points = data.points.map((point) => ({ ...point, figures: { fid: { value: null } } }));
    const [row] = csvParse(resultsCsv({ ...data, points }), autoType) as unknown as { fid: number }[];
    expect(row!.fid).toBe(Infinity);
  });
});

/** What TeX itself looks at: groups that close, mathematics that ends, lines with as many cells as columns. */
function grammarOf(tex: string): {
  readonly depth: number;
  readonly cells: readonly number[];
  readonly columns: number;
} {
  const [, columns = ''] = /\\begin\{tabular\}\{(\w+)\}/.exec(tex) ?? [];
  const bare = tex.replace(/^%.*$/gm, '').replace(/\\[\\{}$&#_%]/g, (two) => (two === '\\\\' ? two : ''));
  let depth = 0;
  for (const letter of bare) depth += letter === '{' ? 1 : letter === '}' ? -1 : 0;
  if ((bare.match(/\$/g) ?? []).length % 2 === 1) throw new Error('mathematics that does not end');
  if (/[%#_^~]/.test(bare)) throw new Error('a letter that is a command');
  if (/[^ -~\n\u00c0-\u00ff]/.test(bare)) throw new Error('a letter that LaTeX has not');
  const lines = bare.split('\n').filter((line) => line.endsWith('\\\\'));
  return { depth, cells: lines.map((line) => line.split('&').length), columns: columns.length };
}

/** A text in which every letter is a command somewhere. */
const awful = '\\input{/etc/passwd} 50 % of $x_1^2$ & #1 {~} "a|b" <c> – ’ σ ≈ 你 \u0007';

describe('table.tex', () => {
  it('is a booktabs table, the best of each cost in bold, with intervals', () => {
    const tex = resultsTex(madeUp([5]));
    expect(tex.split('\n').slice(1, 5)).toEqual([
      '\\begin{tabular}{lrrrrr}',
      '\\toprule',
      'sampler & NFE & fid $\\downarrow$ & rmse\\_to\\_teacher $\\downarrow$ & n & training calls \\\\',
      '\\midrule',
    ]);
    expect(tex.match(/\\bfseries/g)).toHaveLength(2);
    expect(tex).toMatch(
      /^AMED-Solver, 5 NFE & 5 & \{\\boldmath\\bfseries 0\.20\d \$\\pm\$ 0\.012\} & .* & 3 & 40480 \\\\$/m,
    );
    expect(grammarOf(tex)).toEqual({ depth: 0, cells: Array(6).fill(6), columns: 6 });
  });

  it('is text and no command, whoever wrote a label', () => {
    const tex = resultsTex(labelled(awful));
    expect(grammarOf(tex)).toEqual({ depth: 0, cells: [4, 4], columns: 4 });
    expect(tex).toContain('\\textbackslash{}input\\{/etc/passwd\\}');
    expect(tex).toContain('\\texttt{U+4F60}');
  });

  it('compiles, where there is a LaTeX', async ({ skip }) => {
    const folder = await mkdtemp(join(tmpdir(), 'fewstep-tex-'));
    try {
      const written = `\\documentclass{article}\\usepackage{booktabs}\\usepackage[T1]{fontenc}\\begin{document}${resultsTex(labelled(awful))}\\end{document}`;
      await writeFile(join(folder, 'a.tex'), written);
      const args = ['-interaction=nonstopmode', '-halt-on-error', 'a.tex'];
      await run('pdflatex', args, { cwd: folder }).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') skip('no pdflatex: its grammar alone is checked');
        throw error;
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

it('points.json has all that the page shows, but its pictures', () => {
  const data = madeUp([5]);
  const { points, groups, metrics } = JSON.parse(pointsJson(data)) as ReportData;
  const { sheet: _, ...pictures } = data.points[0]!.pictures!;
  expect(points[0]).toEqual({ ...data.points[0], pictures });
  expect([groups, metrics]).toEqual([data.groups, data.metrics]);
});
