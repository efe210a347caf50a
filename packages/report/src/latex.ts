import { figureText } from './page/format.js';
import type { Figure, GroupData, MetricData, ReportData } from './report-data.js';

/**
 * `table.tex`: the figures as a booktabs table, a line for each group of points, the best at each cost in bold. What LaTeX
 * without further packages has no letter for stands as its code point.
 */
export function resultsTex({ title, groups, metrics }: ReportData): string {
  const isTrained = groups.some(({ trainCalls }) => trainCalls !== undefined);
  const isRepeated = groups.some(({ points }) => points.length > 1);
  const heads = [
    'sampler',
    'NFE',
    ...metrics.map(headOf),
    ...(isRepeated ? ['n'] : []),
    ...(isTrained ? ['training calls'] : []),
  ];
  const line = ({ label, nfe, figures, points, trainCalls }: GroupData) => [
    escaped(label),
    nfe === undefined ? '--' : String(nfe),
    ...metrics.map((metric) => figureTex(figures[metric.name], metric)),
    ...(isRepeated ? [String(points.length)] : []),
    ...(isTrained ? [trainCalls === undefined ? '--' : String(Math.round(trainCalls))] : []),
  ];
  return [
    `% ${escaped(title)}; needs \\usepackage{booktabs}`,
    `\\begin{tabular}{l${'r'.repeat(heads.length - 1)}}`,
    '\\toprule',
    `${heads.map(escaped).join(' & ')} \\\\`,
    '\\midrule',
    ...groups.map((group) => `${line(group).join(' & ')} \\\\`),
    '\\bottomrule',
    '\\end{tabular}',
    '',
  ].join('\n');
}

/** With an arrow to where it is better. */
const headOf = ({ name, best }: MetricData): string =>
  best === undefined ? name : `${name} ${best === 'lowest' ? '↓' : '↑'}`;

function figureTex(figure: Figure | undefined, { digits }: MetricData): string {
  if (!figure) return '--';
  const [value = '', half] = figureText(figure, digits).split(' ± ');
  const number = value === '∞' ? '$\\infty$' : value.startsWith('-') ? `$${value}$` : value;
  const text = half === undefined ? number : `${number} $\\pm$ ${half}`;
  return figure.rank === 'best' ? `{\\boldmath\\bfseries ${text}}` : text;
}

const written: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '^': '\\textasciicircum{}',
  '~': '\\textasciitilde{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '|': '\\textbar{}',
  '"': "''",
  '–': '--',
  '—': '---',
  '…': '\\dots{}',
  '‘': '`',
  '’': "'",
  '“': '``',
  '”': "''",
  '±': '$\\pm$',
  '×': '$\\times$',
  '·': '$\\cdot$',
  '−': '$-$',
  '≈': '$\\approx$',
  '≤': '$\\leq$',
  '≥': '$\\geq$',
  '∞': '$\\infty$',
  '→': '$\\rightarrow$',
  '↓': '$\\downarrow$',
  '↑': '$\\uparrow$',
  α: '$\\alpha$',
  β: '$\\beta$',
  γ: '$\\gamma$',
  δ: '$\\delta$',
  ε: '$\\varepsilon$',
  η: '$\\eta$',
  λ: '$\\lambda$',
  μ: '$\\mu$',
  ρ: '$\\rho$',
  σ: '$\\sigma$',
  τ: '$\\tau$',
};

/** A text on one line in which nothing is a command. */
const escaped = (text: string): string =>
  Array.from(text, (letter) => {
    if (written[letter] !== undefined) return written[letter];
    if (/[{}$&#_%]/.test(letter)) return `\\${letter}`;
    if (/[ -~]/.test(letter) || /[À-ÖØ-öø-ÿ]/.test(letter)) return letter;
    if (/\s/.test(letter)) return ' ';
    return `\\texttt{U+${letter.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}}`;
  }).join('');
