import { Graph, layout } from '@dagrejs/dagre';
import type { Box, Boxes } from '../../graph/boxes.js';
import { cut } from '../../report/columns.js';
import { costText, countsText } from './outlook-text.js';

/** What a part of a box says of its tasks, and how that is coloured. */
const states = [
  { name: 'in the store', colour: '#2e9d5b', of: ({ found, remote }: Box) => found - remote },
  { name: 'in the cache', colour: '#3b82d6', of: ({ remote }: Box) => remote },
  { name: 'to compute', colour: '#d0d4da', of: ({ toCompute }: Box) => toCompute },
] as const;

/** Pixels. */
const [width, height, margin, letter] = [250, 80, 14, 6.3];

/** A graph of tasks as SVG: what is needed above what needs it, in each box how much of it is there. */
export function svgOf({ boxes, edges }: Boxes, name: string): string {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 24, ranksep: 44, marginx: margin, marginy: margin });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of boxes) graph.setNode(id, { width, height });
  for (const [from, to] of edges) graph.setEdge(from, to);
  layout(graph);
  const size = graph.graph() as { readonly width: number; readonly height: number };
  const [right, bottom] = [Math.ceil(Math.max(size.width, 480)), Math.ceil(size.height)];
  const drawn = boxes.map((box) => boxOf(box, graph.node(box.id) as Point));
  const lines = graph.edges().map((edge: object) => lineOf((graph.edge(edge) as { points: Point[] }).points));
  const legend = states.map(
    ({ name: state, colour }, i) =>
      `<rect x="${margin + i * 130}" y="${bottom + 8}" width="12" height="12" rx="2" fill="${colour}"/>` +
      `<text x="${margin + 18 + i * 130}" y="${bottom + 18}">${state}</text>`,
  );
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${right}" height="${bottom + 32}" viewBox="0 0 ${right} ${bottom + 32}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escaped(name)}</title>`,
    '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#8a919c"/></marker></defs>',
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...lines,
    ...drawn,
    ...legend,
    '</svg>',
  ].join('\n')}\n`;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function boxOf(box: Box, { x, y }: Point): string {
  const [left, top] = [Math.round(x - width / 2), Math.round(y - height / 2)];
  const room = Math.floor((width - 20) / letter);
  const text = (line: number, said: string, style: string) =>
    `<text x="${left + 10}" y="${top + 17 + 16 * line}" ${style}>${escaped(fitting(said, room))}</text>`;
  let at = left + 1;
  const bar = states.map(({ colour, of }) => {
    const share = ((width - 2) * of(box)) / box.tasks;
    const part = `<rect x="${at.toFixed(1)}" y="${top + height - 6}" width="${share.toFixed(1)}" height="5" fill="${colour}"/>`;
    at += share;
    return share > 0 ? part : '';
  });
  return [
    `<g><title>${escaped(`${box.kind}: ${box.title}`)}</title>`,
    `<rect x="${left}" y="${top}" width="${width}" height="${height}" rx="5" fill="#f7f8fa" stroke="#8a919c"/>`,
    text(0, box.kind, 'font-weight="600"'),
    text(1, box.title, 'fill="#333"'),
    text(2, countsText(box), 'fill="#555"'),
    text(3, costText(box), 'fill="#555"'),
    ...bar,
    '</g>',
  ].join('');
}

/** Through the corners of a way, rounded. */
function lineOf(points: readonly Point[]): string {
  const at = ({ x, y }: Point) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const [first, ...rest] = points as [Point, ...Point[]];
  const last = rest.pop()!;
  const through = rest.map((point, i) => {
    const next = rest[i + 1] ?? last;
    return `Q${at(point)} ${at(next === last ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 })}`;
  });
  const path = through.length > 0 ? through.join('') : `L${at(last)}`;
  return `<path d="M${at(first)}${path}" fill="none" stroke="#8a919c" marker-end="url(#end)"/>`;
}

/** As much of a text as there is room for; of a long one its end tells more, as of a path. */
const fitting = (text: string, room: number): string =>
  text.length <= room ? text : `${cut(text, Math.floor(room / 2) - 1)}…${text.slice(-Math.ceil(room / 2))}`;

/** A text within XML, whatever is in it. */
const escaped = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"]/g, (c) => `&${{ '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot' }[c]};`);
