/**
 * Names that a dict of weights has inside of a training's file, and that modules get from what they are wrapped in:
 * `{ model, ema, optimizer }`, `state_dict`, DistributedDataParallel's `module`, `torch.compile`'s `_orig_mod`.
 */
const WRAPPER =
  /(?:(?:state_dict|model|model_state_dict|model_state|net|network|unet|denoiser|denoise_fn|params|weights|module|_orig_mod|online_model)|(?:[a-z_]+_)?ema(?:_[a-z_]+)?(?:_0\.\d+)?)\./y;

/** Whether such a name is that of averaged weights: `ema`, `model_ema`, `ema_model`, `params_ema`, `ema_0.9999`. */
const AVERAGED = /(?:^|\.)(?:[a-z_]+_)?ema(?:_[a-z_]+)?(?:_0\.\d+)?\.(?!online_model\.)/;

/** More than any wrappers' names take: a file can be made whose names are of nothing else, without end. */
const MAX_LENGTH = 128;

/** What may stand before the names of a network's tensors: every start of a name that is made of wrappers' names. */
export function wrappersIn(names: Iterable<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const name of names) {
    const start = name.slice(0, MAX_LENGTH);
    WRAPPER.lastIndex = 0;
    while (WRAPPER.test(start)) found.add(start.slice(0, WRAPPER.lastIndex));
  }
  return found;
}

/** Whether what a wrapper holds are averaged weights. */
export const isAveraged = (wrapper: string): boolean => AVERAGED.test(wrapper);
