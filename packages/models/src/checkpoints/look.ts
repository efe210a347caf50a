import type { Look } from '../families/family.js';
import { openTensorsAt } from '../files/state-dict.js';
import type { Tensors } from '../files/tensor.js';

/** What a file of tensors shows, and its format in words. @throws ModelError as `openStateDict` */
export async function lookAt(path: string): Promise<Look & { readonly format: string }> {
  const { file, close } = await openTensorsAt(path);
  close();
  const { format, tensors, pickled } = file;
  const hollow = Object.fromEntries([...tensors].map(([name, info]) => [name, { ...info, data: [] }]));
  return { path, isFolder: false, format, tensors: hollow as unknown as Tensors, pickled };
}
