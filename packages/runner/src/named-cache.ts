import { configAbove } from './config.js';
import { workingFolder } from './workspace.js';

/** A cache that a command is to use. */
export interface NamedCache {
  /** `NAME` or `NAME:PLACE`. */
  readonly plugin: string;
  readonly readOnly: boolean;
  /** What a relative place is relative to. */
  readonly folder: string;
  /** Who named it, for people. */
  readonly by: string;
}

/**
 * The cache of a command: that of `--cache`, else of `FEWSTEP_CACHE`, else of the `fewstep.config.yaml` that is nearest above a
 * spec; undefined where none is named, or `none`. `,ro` behind it says that it is only read.
 *
 * @param option what follows --cache
 * @param folder that of the spec
 * @throws SpecError (E_SPEC) where fewstep.config.yaml is wrong
 */
export async function namedCache(
  option: string | undefined,
  folder: string,
): Promise<NamedCache | undefined> {
  if (option !== undefined) return cacheIn(option, { folder: workingFolder(), by: '--cache' });
  const variable = process.env.FEWSTEP_CACHE;
  if (variable) return cacheIn(variable, { folder: workingFolder(), by: 'FEWSTEP_CACHE' });
  const config = await configAbove(folder);
  if (config?.cache === undefined) return undefined;
  return cacheIn(config.cache, { folder: config.folder, by: config.file });
}

const readOnlyMark = /,ro$/;

function cacheIn(text: string, from: Pick<NamedCache, 'folder' | 'by'>): NamedCache | undefined {
  const plugin = text.replace(readOnlyMark, '');
  return plugin === 'none' ? undefined : { plugin, readOnly: plugin !== text, ...from };
}
