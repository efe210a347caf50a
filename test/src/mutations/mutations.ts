/** A wrong coefficient or condition: `text`, found exactly once in the file, becomes `replacement`. */
export interface Mutation {
  /** `packages/NAME/src/…` from the repository's root. */
  readonly file: `packages/${string}/src/${string}`;
  readonly text: string;
  readonly replacement: string;
}

const schedules = 'packages/schedules/src';
const solvers = 'packages/solvers/src';
const engine = 'packages/taskgraph/src';

export const mutations: readonly Mutation[] = [
  // Schedules
  { file: `${schedules}/families/time-uniform.ts`, text: 'EPSILON = 1e-3', replacement: 'EPSILON = 2e-3' },
  { file: `${schedules}/spacing.ts`, text: 'last ** (1 / rho)', replacement: 'last ** (2 / rho)' },
  { file: `${schedules}/vp.ts`, text: '0.5 * betaD * t', replacement: '0.4 * betaD * t' },
  { file: `${schedules}/noise-table.ts`, text: 't: (left + 1) / M', replacement: 't: left / M' },
  { file: `${schedules}/gits.ts`, text: 'coeff * least[j]!', replacement: 'least[j]!' },
  { file: `${schedules}/vp.ts`, text: 'betaMin = 0.1', replacement: 'betaMin = 0.2' },
  { file: `${schedules}/noise-table.ts`, text: 'linearEnd: 0.0195', replacement: 'linearEnd: 0.0196' },
  {
    file: `${schedules}/options.ts`,
    text: 'data && option.defaults[data]',
    replacement: 'option.defaults[data ?? "pixels"]',
  },
  { file: `${schedules}/iddpm.ts`, text: 'C2 = 0.008', replacement: 'C2 = 0.009' },

  // Solvers. Wrong weights of a multistep method still add up to 1, so a straight line is still solved.
  {
    file: `${solvers}/methods/heun.ts`,
    text: '(sigmaNext - sigma) / 2',
    replacement: '(sigmaNext - sigma) / 2.01',
  },
  { file: `${solvers}/methods/dpm.ts`, text: '(1 - 1 / (2 * r!))', replacement: '(1 - 1 / (3 * r!))' },
  {
    file: `${solvers}/methods/dpm.ts`,
    text: 'sigmaNext ** r * sigma ** (1 - r)',
    replacement: 'sigma ** r * sigmaNext ** (1 - r)',
  },
  {
    file: `${solvers}/methods/dpmpp-update.ts`,
    text: 'r0 = Math.log(s1 / s0) / h',
    replacement: 'r0 = h / Math.log(s1 / s0)',
  },
  { file: `${solvers}/methods/dpmpp-update.ts`, text: 'phi2 / z - 0.5', replacement: 'phi2 / z - 0.25' },
  {
    file: `${solvers}/methods/dpmpp-update.ts`,
    text: 'phi2 * r0 + phi3',
    replacement: 'phi2 * r0 + 2 * phi3',
  },
  { file: `${solvers}/methods/dpmpp-update.ts`, text: '/ (r0 + r1)', replacement: '/ (r0 + 2 * r1)' },
  {
    file: `${solvers}/methods/dpmpp.ts`,
    text: '{ maxOrder = 3, predictX0',
    replacement: '{ maxOrder = 2, predictX0',
  },
  { file: `${solvers}/methods/unipc.ts`, text: 'maxOrder = 3', replacement: 'maxOrder = 2' },
  { file: `${solvers}/methods/unipc-update.ts`, text: 'phi(k + 2, z)', replacement: 'phi(k + 1, z)' },
  { file: `${solvers}/methods/deis.ts`, text: ': Math.sqrt(ratio)', replacement: ': ratio' },
  { file: `${solvers}/methods/ipndm.ts`, text: '[3 / 2, -1 / 2]', replacement: '[4 / 3, -1 / 3]' },
  {
    file: `${solvers}/methods/ipndm.ts`,
    text: '[23 / 12, -16 / 12, 5 / 12]',
    replacement: '[23 / 12, -15 / 12, 4 / 12]',
  },
  {
    file: `${solvers}/methods/ipndm.ts`,
    text: '[55 / 24, -59 / 24, 37 / 24, -9 / 24]',
    replacement: '[55 / 24, -59 / 24, 36 / 24, -8 / 24]',
  },
  { file: `${solvers}/math/gauss-rule.ts`, text: '(322 + 13 *', replacement: '(323 + 13 *' },
  { file: `${solvers}/methods/unipc-update.ts`, text: '? [1 / 2]', replacement: '? [1 / 3]' },
  {
    file: `${solvers}/methods/unipc-update.ts`,
    text: 'factorial *= k + 1',
    replacement: 'factorial *= k + 2',
  },
  { file: `${solvers}/methods/threshold.ts`, text: 'QUANTILE = 0.995', replacement: 'QUANTILE = 0.99' },
  {
    file: `${solvers}/methods/dpmpp.ts`,
    text: "thresholding = 'none', lowerOrderFinal",
    replacement: "thresholding = 'dynamic', lowerOrderFinal",
  },
  {
    file: `${solvers}/methods/unipc.ts`,
    text: "thresholding = 'none',",
    replacement: "thresholding = predictX0 ? 'dynamic' : 'none',",
  },
  {
    file: `${solvers}/random/random.ts`,
    text: '((seed % words) + words) % words',
    replacement: 'seed % words',
  },
  {
    file: `${solvers}/drive/analytical-first-step.ts`,
    text: 'Math.sqrt(1 + s! * s!)',
    replacement: '(1 + s!)',
  },

  { file: `${solvers}/drive/step-costs.ts`, text: '(along / length)', replacement: '(along / 2 / length)' },
  {
    file: `${solvers}/drive/step-costs.ts`,
    text: '- deviations[j]![sample]!',
    replacement: '- deviations[i]![sample]!',
  },

  // Students
  {
    file: `${solvers}/students/placement.ts`,
    text: 'sigmaNext ** r! * sigma ** (1 - r!)',
    replacement: 'r! * sigmaNext + (1 - r!) * sigma',
  },
  {
    file: `${solvers}/students/amed.ts`,
    text: 'denoised, sigmaMid)',
    replacement: 'denoised, sigmaAsked)',
  },
  {
    file: `${solvers}/students/two-steps.ts`,
    text: '2 * remaining - 1, scaleDir)',
    replacement: '2 * remaining - 1)',
  },
  {
    file: `${solvers}/students/dpm.ts`,
    text: 'slopeMid, r, sigma, sigmaNext, scaleDir)',
    replacement: 'slopeMid, r, sigma, sigmaNext)',
  },
  { file: `${solvers}/students/two-steps.ts`, text: '2 * remaining - 1,', replacement: '2 * remaining,' },
  {
    file: `${solvers}/students/two-steps.ts`,
    text: 'advance(middle, there,',
    replacement: 'advance({ ...state, x: middle.x }, there,',
  },

  // Predictor and training
  { file: `${solvers}/learned/predictor.ts`, text: 'Math.fround(i / 3)', replacement: 'Math.fround(i / 4)' },
  {
    file: `${solvers}/output.ts`,
    text: 'centre + reach * (2 *',
    replacement: 'centre + reach * (1.9 *',
  },
  { file: `${solvers}/learned/predictor-init.ts`, text: 'Math.sqrt(6 /', replacement: 'Math.sqrt(3 /' },
  { file: `${solvers}/output.ts`, text: '2 * reach * sigmoid(z) *', replacement: 'reach * sigmoid(z) *' },
  {
    file: `${solvers}/learned/predictor-gradient.ts`,
    text: '1 + x * (1 - s)',
    replacement: '1 + x * s',
  },
  { file: `${solvers}/learned/train-step.ts`, text: '(2 / n) * error', replacement: '(1 / n) * error' },
  { file: `${solvers}/learned/training-sensitivity.ts`, text: '0.5 / distance', replacement: '1 / distance' },
  {
    file: `${solvers}/output.ts`,
    text: '(high - value) / 2)',
    replacement: '2 * (high - value))',
  },
  { file: `${solvers}/learned/adam.ts`, text: '0.999, 1e-8', replacement: '0.99, 1e-8' },

  // Random numbers
  { file: `${solvers}/random/mt19937.ts`, text: 'shift = 397', replacement: 'shift = 396' },
  { file: `${solvers}/random/torch-cpu.ts`, text: '0xffffff) / 2 ** 24', replacement: '0x7fffff) / 2 ** 23' },
  { file: `${solvers}/random/torch-cpu.ts`, text: 'fround(-2 *', replacement: 'fround(-1.99 *' },
  { file: `${solvers}/random/torch-cpu.ts`, text: '() & 0x7fffffff', replacement: '() >>> 1' },
  { file: `${solvers}/random/philox.ts`, text: 'round < 10', replacement: 'round < 9' },
  { file: `${solvers}/random/torch-cuda.ts`, text: '221_184', replacement: '163_840' },
  { file: `${solvers}/random/torch-cuda.ts`, text: '+ 2 ** -33', replacement: '' },
  { file: `${solvers}/random/torch-cuda.ts`, text: '(4 * round + i)', replacement: '(round + i)' },
  { file: `${solvers}/random/torch-cuda.ts`, text: 'i % 2 === 0', replacement: 'i % 2 === 1' },
  { file: `${solvers}/random/torch-cuda.ts`, text: 'drawn += rounds', replacement: 'drawn += 1' },

  // The end-to-end loss
  {
    file: `${solvers}/learned/gauss-newton.ts`,
    text: 'const damping = 0.02',
    replacement: 'const damping = 0.03',
  },
  { file: `${solvers}/output.ts`, text: '(high - low) * sigmoid(z) *', replacement: 'sigmoid(z) *' },
  { file: `${solvers}/learned/gauss-newton.ts`, text: 'i * count + index]!', replacement: 'i * count]!' },
  { file: `${solvers}/learned/training-log.ts`, text: 'i % count === at', replacement: 'i < count' },
  {
    file: `${solvers}/learned/train-end-to-end.ts`,
    text: '(1 + Math.cos(Math.PI * done)) / 2',
    replacement: '(1 + Math.cos(Math.PI * done)) / 3',
  },
  {
    file: `${solvers}/learned/train-end-to-end.ts`,
    text: 'end[i]! > high || end[i]! < low ? 0 : s',
    replacement: 's',
  },
  {
    file: `${solvers}/students/placement.ts`,
    text: 'Math.log(sigma / middle) / Math.log(sigma',
    replacement: 'Math.log(middle / sigmaNext) / Math.log(sigma',
  },

  // The engine of the task graph
  {
    file: `${engine}/store/lease.ts`,
    text: 'if (await disk.claim(path, mine)) return',
    replacement: 'await disk.claim(path, mine); return',
  },
  { file: `${engine}/store/lease.ts`, text: '>= silentMs', replacement: '>= 0' },
  {
    file: `${engine}/store/blobs.ts`,
    text: 'if (found.digest === digest) {',
    replacement: 'if (found.digest !== "") {',
  },
  {
    file: `${engine}/store/store.ts`,
    text: 'if (!(await all.blobs.has(output))) return false;',
    replacement: 'await all.blobs.has(output);',
  },
  {
    file: `${engine}/store/store.ts`,
    text: 'await all.records.replace(record);\n          return',
    replacement: 'return',
  },
  {
    file: `${engine}/store/records.ts`,
    text: 'return disk.place(pathOf(record.key), formatRecord(record));',
    replacement: 'await disk.replace(pathOf(record.key), formatRecord(record));\n      return true;',
  },
  {
    file: `${engine}/store/record.ts`,
    text: ': digest === digestOfRecord(rest)',
    replacement: ': true',
  },
  {
    file: `${engine}/expand.ts`,
    text: 'if (found && (await isOf(shards, shard, found.record)))',
    replacement: 'if (found)',
  },
  { file: `${engine}/expand.ts`, text: 'else lost.push(shard);', replacement: '' },
  {
    file: `${engine}/expand.ts`,
    text: 'if (at <= span[1]) yield* unasked([at, span[1]]);',
    replacement: '',
  },
  { file: `${engine}/ranges.ts`, text: 'one[1] <= last', replacement: 'one[1] >= last' },
  {
    file: `${engine}/execute.ts`,
    text: 'await demandWhole(all);\n      await demandAsSeen(all);',
    replacement: 'await demandAsSeen(all);',
  },
  {
    file: `${engine}/execute.ts`,
    text: 'await demandAsSeen(all);',
    replacement: '',
  },
  {
    file: `${engine}/execute.ts`,
    text: 'if (!(await areWhole(inputs))) throw',
    replacement: 'if (false as boolean) throw',
  },
  {
    file: `${engine}/execute.ts`,
    text: 'pending.set(task.id, settle(task));\n    }\n    return obtain(task);',
    replacement: '}\n    return obtain(task);',
  },
  {
    file: `${engine}/execute.ts`,
    text: 'await noteShard(task, key);\n          return outcome;',
    replacement: 'await noteFound(task, key);\n          return outcome;',
  },
  {
    file: `${engine}/execute.ts`,
    text: 'const meanwhile = await store.lookup(key, task.kind.outputs);',
    replacement: 'const meanwhile = undefined;',
  },
  {
    file: `${engine}/store/store.ts`,
    text: '(await disk.hash(file))?.digest !== output.digest',
    replacement: 'false as boolean',
  },
  {
    file: `${engine}/store/remote.ts`,
    text: 'if (!isThere && !(await put(name, content))) return;',
    replacement: 'if (!isThere) await put(name, content);',
  },
  { file: `${engine}/store/remote.ts`, text: 'lost.add(output.digest);', replacement: '' },
  {
    file: `${engine}/store/remote.ts`,
    text: 'if (broken !== undefined) throw broken;',
    replacement: '',
  },
];
