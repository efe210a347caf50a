import type * as PlotModule from '@observablehq/plot';
import type { CurvesData, IntervalsData, PathsData, PointData, TableData } from '../report-data.js';
import { h, scrolled } from './dom.js';
import { short } from './format.js';
import { figure, look } from './plots.js';
import { type Page, whole } from './view.js';

declare const Plot: typeof PlotModule;

/** Samplers that one plot has at most. */
const mostLines = 24;

const mostPlanes = 6;

const size = { width: 420, height: 280 } as const;
const inDetail: { readonly planes?: readonly number[]; readonly width: number; readonly height: number } =
  size;

/** The noise levels of samplers over each other: what each is told, from most noise to least. */
export function timesPlot({ data, rows, looks }: Page, width: number): HTMLElement | undefined {
  const those = rows.filter(({ points: [point] }) => data.points[point!]!.table).slice(0, mostLines);
  const shown = those.map(({ points: [point], series }) => {
    const { label, table } = whole(data.points[point!]!);
    return { label, sigmas: table!.sigmas, look: looks.get(series)! };
  });
  if (shown.length === 0) return undefined;
  const ticks = shown.flatMap(({ label, sigmas, look }) =>
    sigmas.flatMap((sigma, k) => (sigma > 0 ? [{ label, sigma, k, look }] : [])),
  );
  const drawn = Plot.plot({
    ...look,
    width,
    height: 48 + 22 * shown.length,
    marginLeft: Math.min(width / 2.5, 14 + 6.6 * Math.max(...shown.map(({ label }) => label.length))),
    marginTop: 8,
    marginBottom: 36,
    x: { type: 'log', reverse: true, label: 'noise level σ', grid: true, tickFormat: '~g' },
    y: { label: null, domain: shown.map(({ label }) => label) },
    marks: [
      Plot.line(ticks, { x: 'sigma', y: 'label', z: 'label', stroke: 'var(--faint)' }),
      Plot.dot(ticks, {
        ...{ x: 'sigma', y: 'label', r: 4.5 },
        fill: ({ look }: (typeof ticks)[number]) => look.colour,
        title: ({ sigma, k, label }: (typeof ticks)[number]) =>
          `${label}\nevaluation ${k}: σ = ${short(sigma)}`,
        tip: true,
      }),
    ],
  });
  return figure(
    drawn,
    'Noise levels at which each sampler asks the network',
    ['sampler', 'evaluation', 'σ'],
    () => ticks.map(({ label, k, sigma }) => [label, String(k), short(sigma)]),
  );
}

/** All that there is to be drawn of one point. */
export function insideOf({ table, paths, intervals, curves, label }: PointData): HTMLElement[] {
  return [
    ...(table ? [coefficients(table)] : []),
    ...(paths ? pathsPlots(paths) : []),
    ...(intervals ? [intervalsPlot(intervals, label)] : []),
    ...(curves ? curvesPlots(curves) : []),
  ];
}

/** x_k by noise and answers: as strong a colour as a coefficient is large. */
function coefficients({ sigmas, rows, bands = 1 }: TableData): HTMLElement {
  const largest = Math.max(...rows.flat().map(Math.abs)) || 1;
  const heads = ['', 'z', ...sigmas.map((_, k) => `D${k}`), 'told σ'];
  const lines = rows.flatMap((row, k) =>
    Array.from({ length: bands }, (_, band) => {
      const name = k < sigmas.length ? `x${k}` : 'sample';
      return {
        name: bands > 1 ? `${name}, band ${band + 1}` : name,
        numbers: row.filter((_, i) => i % bands === band),
        sigma: k < sigmas.length ? short(sigmas[k]!) : '',
      };
    }),
  );
  const cell = (value: number | undefined) => {
    if (value === undefined) return h('td');
    const share = Math.round(55 * Math.sqrt(Math.abs(value) / largest));
    const colour = value < 0 ? 'var(--c1)' : 'var(--c0)';
    return h(
      'td',
      { class: 'number', style: `background:color-mix(in srgb, ${colour} ${share}%, transparent)` },
      short(value),
    );
  };
  return h(
    'figure',
    {},
    scrolled(
      'Coefficients',
      h(
        'table',
        { class: 'heat' },
        h('thead', {}, h('tr', {}, ...heads.map((head) => h('th', { scope: 'col' }, head)))),
        h(
          'tbody',
          {},
          ...lines.map(({ name, numbers, sigma }) =>
            h(
              'tr',
              {},
              h('th', { scope: 'row' }, name),
              ...Array.from({ length: sigmas.length + 1 }, (_, i) => cell(numbers[i])),
              h('td', { class: 'number' }, sigma),
            ),
          ),
        ),
      ),
    ),
    h(
      'figcaption',
      {},
      'What each state is made of: noise z and the network’s answers D; the network is told σ',
    ),
  );
}

/** Paths of several samplers in the plane of the first two components, beside each other. */
export function planesOf({ data, rows }: Page): HTMLElement | undefined {
  const those = rows.filter(({ points: [point] }) => data.points[point!]!.paths).slice(0, mostPlanes);
  if (those.length < 1) return undefined;
  return h(
    'div',
    { class: 'multiples' },
    ...those.map(({ points: [point], label }) =>
      h(
        'div',
        {},
        h('h3', {}, label),
        ...pathsPlots(whole(data.points[point!]!).paths!, { planes: [1], width: 340, height: 230 }),
      ),
    ),
  );
}

/** Trajectories in planes of the first component and another. */
function pathsPlots(
  { explained, seeds, teacher, student, sigmas }: PathsData,
  { planes = [1, 2], ...size } = inDetail,
): HTMLElement[] {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const lines = (those: PathsData['teacher'], who: string, levels: readonly number[]) =>
    those.flatMap((steps, i) =>
      steps.map((at, step) => ({ at, who, step, sigma: levels[step], seed: seeds[i]! })),
    );
  const all = [...lines(teacher, 'teacher', sigmas.teacher), ...lines(student, 'sampler', sigmas.student)];
  type Step = (typeof all)[number];
  const own = all.filter(({ who }) => who === 'sampler');
  const ofTeacher = all.filter(({ who }) => who === 'teacher');
  const together = percent((explained[0] ?? 0) + (explained[1] ?? 0));
  return planes.flatMap((second) => {
    if (!all.every(({ at }) => at[second] !== undefined)) return [];
    const where = { x: ({ at }: Step) => at[0]!, y: ({ at }: Step) => at[second]!, z: 'seed' };
    const name = (component: number) =>
      `component ${component + 1}${explained[component] === undefined ? '' : ` (${percent(explained[component])})`}`;
    const drawn = Plot.plot({
      ...look,
      ...size,
      marginLeft: 48,
      marginBottom: 40,
      x: { label: name(0), grid: true, ticks: 6 },
      y: { label: name(second), grid: true, ticks: 6 },
      marks: [
        Plot.line(ofTeacher, { ...where, stroke: 'var(--faint)', strokeWidth: 1.2 }),
        Plot.line(own, { ...where, stroke: 'var(--c1)', strokeOpacity: 0.6, strokeWidth: 1 }),
        Plot.dot(own, { ...where, fill: 'var(--c1)', r: 2.5 }),
        Plot.tip(
          own,
          Plot.pointer({
            ...where,
            title: ({ seed, step, sigma }: Step) =>
              `seed ${seed}, step ${step}\nσ = ${sigma === undefined ? '?' : short(sigma)}`,
          }),
        ),
      ],
    });
    const said = `Paths of ${seeds.length} seeds in components 1 and ${second + 1} of the teacher’s; grey is the teacher, colour the sampler${second === 1 ? `. The plane has ${together} of the variance` : ''}`;
    return [
      figure(drawn, said, ['who', 'seed', 'step', 'σ', name(0), name(second)], () =>
        all.map(({ who, seed, step, sigma, at }) => [
          ...[who, String(seed), String(step), sigma === undefined ? '' : short(sigma)],
          ...[short(at[0]!), short(at[second]!)],
        ]),
      ),
    ];
  });
}

/** A line of each of several points, or of one. */
function intervalsPlot(of: IntervalsData, label: string): HTMLElement {
  return intervalsPlotOf([{ label, colour: 'var(--c1)', intervals: of }], size.width);
}

interface Line {
  readonly label: string;
  readonly colour: string;
  readonly intervals: IntervalsData;
}

export function intervalsPlotOf(those: readonly Line[], width: number): HTMLElement {
  const dots = those.flatMap(({ label, colour, intervals: { sigma, rmse, se } }) =>
    sigma.map((at, i) => ({ label, colour, at, rmse: rmse[i]!, half: 1.96 * (se[i] ?? 0) })),
  );
  const known = dots.filter(({ at, rmse }) => at > 0 && rmse > 0);
  const drawn = Plot.plot({
    ...look,
    width,
    height: size.height,
    marginLeft: 52,
    marginBottom: 40,
    x: { type: 'log', reverse: true, label: 'noise level σ', grid: true, tickFormat: '~g' },
    y: { type: 'log', label: 'RMSE to the teacher', grid: true, tickFormat: '~g' },
    marks: [
      Plot.line(known, { x: 'at', y: 'rmse', z: 'label', stroke: 'colour' }),
      Plot.ruleX(known, {
        x: 'at',
        y1: ({ rmse, half }: (typeof known)[number]) => Math.max(rmse - half, rmse / 10),
        y2: ({ rmse, half }: (typeof known)[number]) => rmse + half,
        stroke: 'colour',
      }),
      Plot.dot(known, { x: 'at', y: 'rmse', fill: 'colour', r: 3.5 }),
      Plot.tip(
        known,
        Plot.pointer({
          x: 'at',
          y: 'rmse',
          title: ({ label, at, rmse }: (typeof known)[number]) =>
            `${label}\nσ = ${short(at)}: ${short(rmse, 3)}`,
        }),
      ),
    ],
  });
  return figure(
    drawn,
    'How far the sampler is from its teacher where each interval ends, with a 95 % interval',
    ['sampler', 'σ', 'RMSE', '±'],
    () => dots.map(({ label, at, rmse, half }) => [label, short(at), short(rmse), short(half, 2)]),
  );
}

/** Loss and, for each interval, what the predictor gives. */
function curvesPlots({ x, loss, validation, validationSeeds, outputs }: CurvesData): HTMLElement[] {
  const label = 'samples that training asked for';
  const on = validationSeeds === undefined ? '' : ` on seeds ${validationSeeds}`;
  const series = [
    { name: 'loss', colour: 'var(--c0)', values: loss },
    ...(validation ? [{ name: `validation loss${on}`, colour: 'var(--c1)', values: validation }] : []),
  ];
  const steps = series.flatMap(({ name, colour, values }) =>
    values.flatMap((value, i) => (value === null ? [] : [{ name, colour, x: x[i]!, value }])),
  );
  const isLog = steps.every(({ value }) => value > 0);
  const named = (which: readonly { readonly name: string; readonly colour: string }[]) =>
    h(
      'ul',
      { class: 'legend' },
      ...which.map(({ name, colour }) =>
        h('li', {}, h('span', { class: 'swatch', style: `background:${colour}` }), name),
      ),
    );
  const drawn = Plot.plot({
    ...look,
    ...size,
    marginLeft: 52,
    marginBottom: 40,
    x: { label, grid: true, tickFormat: '~s', ticks: 5 },
    y: { label: 'loss', type: isLog ? 'log' : 'linear', grid: true, ...(isLog && { tickFormat: '~g' }) },
    marks: [
      Plot.line(steps, { x: 'x', y: 'value', z: 'name', stroke: 'colour' }),
      Plot.tip(
        steps,
        Plot.pointer({
          x: 'x',
          y: 'value',
          title: ({ name, value }: (typeof steps)[number]) => `${name}\n${short(value)}`,
        }),
      ),
    ],
  });
  const curves = h(
    'div',
    {},
    figure(drawn, `Training: loss${validation ? ' and validation loss' : ''}`, [label, 'which', 'loss'], () =>
      steps.map(({ x, name, value }) => [short(x, 8), name, short(value)]),
    ),
    named(series),
  );
  const names = [...new Set(outputs.map(({ name }) => name))];
  return [
    curves,
    ...names.map((name) => {
      const those = outputs.filter((one) => one.name === name);
      const lines = those.flatMap(({ interval, values }) =>
        values.flatMap((value, i) =>
          value === null ? [] : [{ interval, colour: `var(--c${interval % 8})`, x: x[i]!, value }],
        ),
      );
      const drawn = Plot.plot({
        ...look,
        ...size,
        marginLeft: 52,
        marginBottom: 40,
        x: { label, grid: true, tickFormat: '~s', ticks: 5 },
        y: { label: name, grid: true },
        marks: [Plot.line(lines, { x: 'x', y: 'value', z: 'interval', stroke: 'colour' })],
      });
      return h(
        'div',
        {},
        figure(drawn, `Training: ${name} of each interval`, [label, 'interval', name], () =>
          lines.map(({ x, interval, value }) => [short(x, 8), String(interval), short(value)]),
        ),
        named(
          those.map(({ interval }) => ({ name: `interval ${interval}`, colour: `var(--c${interval % 8})` })),
        ),
      );
    }),
  ];
}
