/** The value of a key, made where there is none yet. */
export function once<K, V>(
  map: { get(key: K): V | undefined; set(key: K, value: V): unknown },
  key: K,
  make: () => V,
): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** The same names, each with what becomes of its value. */
export const mapValues = <V, W>(
  values: Readonly<Record<string, V>>,
  become: (value: V, name: string) => W,
): Record<string, W> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, become(value, name)]));
