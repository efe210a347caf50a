import type { Figure, PicturesData } from '../report-data.js';
import { h, select } from './dom.js';
import { figureText } from './format.js';
import { type Page, sheetOf } from './view.js';

/** Pictures of the same seeds: of a point, or of a teacher. */
interface Shown {
  readonly rank: Figure['rank'];
  /** Index of its point; −1 − i of teacher i. */
  readonly id: number;
  readonly label: string;
  readonly figure: string;
  readonly pictures: PicturesData;
}

const mostRows = 12;
/** In the grid, and where two are compared. */
const [small, large] = [44, 240] as const;

/** Teachers first, then the samplers that are looked for. */
function shownOf({ data, rows, metric }: Page): Shown[] {
  const own = rows.flatMap(({ points: [point], figures }): Shown[] => {
    const { label, pictures } = data.points[point!]!;
    const figure = metric ? `${metric.name} ${figureText(figures[metric.name], metric.digits)}` : '';
    const rank = metric && figures[metric.name]?.rank;
    return pictures ? [{ id: point!, label, figure, pictures, rank }] : [];
  });
  const used = new Set(own.map(({ id }) => data.points[id]!.teacher));
  const teachers = data.teachers.flatMap(({ label, pictures }, i): Shown[] =>
    used.has(i) ? [{ id: -1 - i, label, figure: '', pictures, rank: undefined }] : [],
  );
  return [...teachers, ...own];
}

/** Pictures of every seed, a row each sampler; the one that is pointed at stands out in all rows. */
export function samples(page: Page): HTMLElement {
  const all = shownOf(page);
  const whole = h('div', { class: 'samples' });
  if (all.length === 0) {
    whole.append(h('p', { class: 'faint' }, 'There are no pictures of what is looked for.'));
    return whole;
  }
  const seeds = [...new Set(all.flatMap(({ pictures }) => pictures.seeds))].sort((a, b) => a - b);
  let seed = page.view.seed !== undefined && seeds.includes(page.view.seed) ? page.view.seed : seeds[0]!;
  const reference = all[0]!;
  const best = all.find(({ rank }) => rank === 'best') ?? all.find(({ id }) => id >= 0)!;
  const byId = new Map(all.map((one) => [one.id, one]));
  const [over, under] = page.view.over ?? [
    best.id,
    reference.id === best.id ? (all[1]?.id ?? best.id) : reference.id,
  ];
  const pair: [Shown, Shown] = [byId.get(over) ?? best, byId.get(under) ?? reference];

  const lens = h('div', { class: 'lens' });
  const strip = h('div', { class: 'strip' });
  const grid = gridOf();
  const number = h('input', {
    type: 'number',
    min: seeds[0]!,
    max: seeds.at(-1)!,
    value: seed,
    change: () => choose(Number(number.value)),
  });
  const choices = all.map(({ id, label }) => [String(id), label] as const);
  const pick = (at: 0 | 1) => (id: string) => {
    pair[at] = byId.get(Number(id))!;
    page.view.over = [pair[0].id, pair[1].id];
    compare();
  };
  const slider = h('input', {
    type: 'range',
    min: 0,
    max: 100,
    value: 50,
    'aria-label': 'how much of the left one is shown',
    input: () => lens.style.setProperty('--cut', `${slider.value}%`),
  });
  whole.append(
    h(
      'div',
      { class: 'controls' },
      h('label', { class: 'control' }, h('span', {}, 'Seed'), number),
      select('Left', choices, String(pair[0].id), pick(0)),
      select('Right', choices, String(pair[1].id), pick(1)),
    ),
    h('div', { class: 'compare' }, h('div', { class: 'pair' }, lens, slider), strip),
    grid,
  );
  if (all.length > mostRows) {
    const more = h(
      'button',
      {
        click: () => {
          grid.append(...all.slice(mostRows).map(rowOf));
          more.remove();
          mark();
        },
      },
      `show all ${all.length} samplers`,
    );
    whole.append(more);
  }
  choose(seed);
  return whole;

  function choose(wanted: number): void {
    seed = seeds.includes(wanted)
      ? wanted
      : seeds.reduce((a, b) => (Math.abs(b - wanted) < Math.abs(a - wanted) ? b : a));
    page.view.seed = seed;
    number.value = String(seed);
    mark();
    compare();
    strip.replaceChildren(
      h('h3', {}, `Seed ${seed}`),
      ...all
        .slice(0, mostRows)
        .map((one) =>
          h(
            'figure',
            {},
            imageOf(one, seed, 72),
            h('figcaption', {}, one.label, h('br'), h('span', { class: 'faint' }, one.figure)),
          ),
        ),
    );
  }

  function mark(): void {
    for (const cell of grid.querySelectorAll('button'))
      cell.classList.toggle('same', cell.dataset.seed === String(seed));
  }

  function compare(): void {
    lens.style.setProperty('--cut', `${slider.value}%`);
    lens.replaceChildren(
      h(
        'div',
        { class: 'stack' },
        h('div', { class: 'under' }, imageOf(pair[1], seed, large)),
        h('div', { class: 'over' }, imageOf(pair[0], seed, large)),
      ),
      h(
        'div',
        { class: 'sides' },
        h('span', {}, `◀\u00a0${pair[0].label}`),
        h('span', {}, `${pair[1].label}\u00a0▶`),
      ),
    );
  }

  function gridOf(): HTMLElement {
    return h(
      'div',
      { class: 'grid', role: 'region', 'aria-label': 'Samples, a row for each sampler', tabindex: 0 },
      h(
        'div',
        { class: 'row heads', 'aria-hidden': 'true' },
        h('span', { class: 'name' }, 'seed'),
        ...seeds.map((one) => h('span', { class: 'head', style: `width:${small}px` }, one)),
      ),
      ...all.slice(0, mostRows).map(rowOf),
    );
  }

  function rowOf(one: Shown): HTMLElement {
    const row = h('div', { class: 'row' });
    row.style.setProperty('--sheet', `url(${sheetOf(one.pictures)})`);
    row.append(
      h('span', { class: 'name' }, one.label, h('br'), h('span', { class: 'faint' }, one.figure)),
      ...seeds.map((at) => {
        const index = one.pictures.seeds.indexOf(at);
        if (index < 0) return h('span', { class: 'none', style: `width:${small}px` });
        return h('button', {
          'data-seed': at,
          'aria-label': `seed ${at}, ${one.label}`,
          style: placeOf(one.pictures, index, small),
          pointerenter: () => choose(at),
          focus: () => choose(at),
          click: () => {
            pair[0] = one;
            page.view.over = [pair[0].id, pair[1].id];
            choose(at);
          },
        });
      }),
    );
    return row;
  }
}

/** Where an image of a sheet is, as wide as `size`. */
function placeOf({ columns, seeds, width, height }: PicturesData, index: number, size: number): string {
  const tall = (size * height) / width;
  const rows = Math.ceil(seeds.length / columns);
  const [x, y] = [index % columns, Math.floor(index / columns)];
  return `width:${size}px;height:${tall}px;background-size:${columns * size}px ${rows * tall}px;background-position:${-x * size}px ${-y * tall}px;${width < size ? 'image-rendering:pixelated' : ''}`;
}

/** One image of a sheet. */
function imageOf({ pictures, label }: Shown, seed: number, size: number): HTMLElement {
  const index = pictures.seeds.indexOf(seed);
  if (index < 0)
    return h('div', { class: 'none', style: `width:${size}px;height:${size}px` }, 'no such seed');
  const image = h('div', {
    class: 'image',
    role: 'img',
    'aria-label': `seed ${seed}, ${label}`,
    style: placeOf(pictures, index, size),
  });
  image.style.backgroundImage = `url(${sheetOf(pictures)})`;
  return image;
}
