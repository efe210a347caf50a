import { digestOfText } from '@fewstep/taskgraph';

/** With a number behind it, what the file systems with the shortest names take: eCryptfs 143 bytes, others 255. */
const mostBytes = 128;

/** Names that Windows keeps for devices, whatever follows a dot. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** What a run leaves beside the folders of its points. */
const files = [
  ...['spec.yaml', 'run.json', 'log.txt', 'receipt.json', 'comparison.png', 'comparison.webp'],
  ...['report.html', 'results.csv', 'table.tex', 'points.json'],
  ...['', '.failed'].flatMap((aside) => [`table${aside}.md`, `report${aside}.json`]),
];

/**
 * A folder's name for each label: its letters and digits. No two are the same, also where case and composition of letters
 * make no difference, nor is one that of a file beside it; of a long label its beginning and a digest.
 */
export function foldersOf(labels: readonly string[]): string[] {
  const taken = new Set(files);
  const asFileSystemsSee = (name: string) => name.normalize('NFC').toLowerCase();
  return labels.map((label) => {
    const letters = label.replace(/[^\p{L}\p{M}\p{N}._-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '') || 'point';
    const slug = shortened(reserved.test(letters) ? `point-${letters}` : letters, label);
    let name = slug;
    for (let n = 2; taken.has(asFileSystemsSee(name)); n++) name = `${slug}-${n}`;
    taken.add(asFileSystemsSee(name));
    return name;
  });
}

function shortened(slug: string, label: string): string {
  if (Buffer.byteLength(slug) <= mostBytes) return slug;
  const digest = digestOfText(label).slice(0, 12);
  let kept = '';
  for (const letter of slug) {
    if (Buffer.byteLength(kept + letter) > mostBytes - digest.length - 1) break;
    kept += letter;
  }
  return `${kept}-${digest}`;
}
