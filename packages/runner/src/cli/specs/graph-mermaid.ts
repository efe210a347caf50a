import type { Box, Boxes } from '../../graph/boxes.js';
import { costText, countsText } from './outlook-text.js';

/** A graph of tasks as a flowchart of Mermaid, which Markdown takes as it is. */
export function mermaidOf({ boxes, edges }: Boxes): string {
  const names = new Map(boxes.map(({ id }, i) => [id, `t${i + 1}`]));
  return `${[
    'flowchart TD',
    ...boxes.map((box) => {
      const lines = [box.kind, box.title, countsText(box), costText(box)].filter((line) => line !== '');
      return `  ${names.get(box.id)}["${lines.map(quoted).join('<br>')}"]:::${stateOf(box)}`;
    }),
    ...edges.map(([from, to]) => `  ${names.get(from)} --> ${names.get(to)}`),
    '  classDef there fill:#d8f0e0,stroke:#2e9d5b,color:#111',
    '  classDef cached fill:#dbe9fa,stroke:#3b82d6,color:#111',
    '  classDef partly fill:#fdf3d6,stroke:#b58a1b,color:#111',
    '  classDef missing fill:#f2f3f5,stroke:#8a919c,color:#111',
  ].join('\n')}\n`;
}

function stateOf({ tasks, toCompute, remote }: Box): string {
  if (toCompute === tasks) return 'missing';
  if (toCompute > 0) return 'partly';
  return remote === tasks ? 'cached' : 'there';
}

/** A text within quotes, whatever is in it: Mermaid has entities by number, and reads marks of Markdown and HTML. */
const quoted = (text: string): string =>
  text.replace(/[^\p{L}\p{N} ,.:/()+=_-]/gu, (c) => `#${c.codePointAt(0)};`);
