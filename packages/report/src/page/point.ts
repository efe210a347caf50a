import { details, h, pairs } from './dom.js';
import { count, duration, figureText, settingText } from './format.js';
import { insideOf } from './inside.js';
import { type Page, sheetOf, whole } from './view.js';

/** All that is known of one point, over the page. */
export function openPoint(page: Page, index: number): void {
  const { data } = page;
  const point = whole(data.points[index]!);
  const group = data.groups.find(({ points }) => points.includes(index));
  const { label, settings, figures, nfe, depth, forwards, images, realImages, repeats, seconds } = point;
  const title = h('h2', { id: 'point-title', tabindex: -1 }, label);
  const dialog = h(
    'dialog',
    { class: 'point', 'aria-labelledby': 'point-title', close: () => dialog.remove() },
    h('form', { method: 'dialog', class: 'close' }, h('button', { 'aria-label': 'Close' }, '✕')),
    title,
    h('h3', {}, 'Figures'),
    pairs([
      ...data.metrics.flatMap(({ name, digits }) =>
        figures[name] ? [[name, figureText(figures[name], digits)] as const] : [],
      ),
      ...(point.published
        ? [
            [
              `published fid (${point.published.name})`,
              `${point.published.fid} – ${point.published.source}`,
            ] as const,
          ]
        : []),
      [
        'NFE',
        `${count(nfe)}${depth === undefined ? '' : `, ${count(depth)} of them wait for another`}${forwards === undefined ? '' : `; ${count(forwards)} passes`}`,
      ],
      ...(images === undefined
        ? []
        : [
            [
              'images',
              `${repeats === undefined ? '' : `${repeats} × `}${count(images)}${realImages === undefined ? '' : ` against ${count(realImages)} real`}`,
            ] as const,
          ]),
    ]),
    h('h3', {}, 'Settings'),
    Object.keys(settings).length > 0
      ? pairs(Object.entries(settings).map(([key, value]) => [key, settingText(value)] as const))
      : h('p', { class: 'faint' }, 'It is the only point of its experiment.'),
    h('h3', {}, 'Cost'),
    pairs([
      [
        'training calls',
        point.trainCalls === undefined
          ? 'none: nothing was trained'
          : `${count(point.trainCalls)} samples through the network`,
      ],
      ...(seconds?.train === undefined ? [] : [['training time', duration(seconds.train)] as const]),
      ...(seconds?.sample === undefined ? [] : [['sampling time', duration(seconds.sample)] as const]),
    ]),
  );
  if (group && group.points.length > 1)
    dialog.append(
      h('h3', {}, `One of ${group.points.length} that differ in a seed alone`),
      pairs(
        data.metrics.flatMap(({ name, digits }) =>
          group.figures[name] ? [[`mean of ${name}`, figureText(group.figures[name], digits)] as const] : [],
        ),
      ),
      h(
        'ul',
        {},
        ...group.points.map((other) =>
          h(
            'li',
            {},
            other === index
              ? h('strong', {}, label)
              : h('button', { class: 'link', click: () => go(other) }, data.points[other]!.label),
          ),
        ),
      ),
    );
  if (point.pictures) {
    const { file, seeds, columns, width, height } = point.pictures;
    dialog.append(
      h('h3', {}, 'Samples'),
      h('img', {
        class: 'sheet',
        src: sheetOf(point.pictures),
        alt: `${seeds.length} samples, seeds ${seeds[0]} to ${seeds.at(-1)}, ${columns} in a row`,
        style: `width:${columns * Math.max(width, 40)}px;aspect-ratio:${columns * width}/${Math.ceil(seeds.length / columns) * height};${width < 40 ? 'image-rendering:pixelated' : ''}`,
      }),
      h('p', {}, file === undefined ? '' : h('a', { href: file }, 'in full size')),
    );
  }
  const drawn = insideOf(point);
  if (drawn.length > 0) dialog.append(h('h3', {}, 'Inside'), h('div', { class: 'multiples' }, ...drawn));
  if (point.protocol) dialog.append(h('h3', {}, 'Protocol'), pairs(point.protocol));
  if (point.spec !== undefined)
    dialog.append(details('the whole spec', () => h('pre', { tabindex: 0 }, point.spec)));
  document.body.append(dialog);
  dialog.showModal();
  title.focus();
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close(); // beside it
  });

  function go(other: number): void {
    dialog.close();
    openPoint(page, other);
  }
}
