/** A folder's name for each label, no two the same, also where case makes no difference. */
export function foldersOf(labels: readonly string[]): string[] {
  const taken = new Set<string>();
  return labels.map((label) => {
    const slug = label.replace(/[^\p{L}\p{M}\p{N}._-]+/gu, '-').replace(/^[-.]+|-+$/g, '') || 'point';
    let name = slug;
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${slug}-${n}`;
    taken.add(name.toLowerCase());
    return name;
  });
}
