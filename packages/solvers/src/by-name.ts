/** Declarations as a map from their names. */
export const byName = <const T extends readonly { readonly name: string }[]>(...declared: T) =>
  Object.fromEntries(declared.map((one) => [one.name, one])) as unknown as {
    readonly [M in T[number] as M['name']]: M;
  };
