import { onnxFault } from '../errors.js';
import type { OnnxFile, OnnxFileValue } from '../onnx/onnx-file.js';
import type { OnnxType } from '../onnx/onnx-model.js';

/** Element types that a value may have. */
export const floats: readonly (OnnxType | undefined)[] = ['float32', 'float16', 'float64', 'bfloat16'];
export const whole: readonly (OnnxType | undefined)[] = ['int64', 'int32'];

/** Operators that stand around the network are the same from here on. */
const MIN_OPSET = 13;

/** @throws ModelError `E_ONNX` for operators that are older than ours may be */
export function checkOpset({ opsets }: OnnxFile): void {
  const opset = opsets.get('');
  if (opset === undefined || opset < MIN_OPSET)
    throw onnxFault(
      `its operators are of opset ${opset ?? 'none'}, and ${MIN_OPSET} or later is needed: export it with opset_version=17, or convert it with onnx.version_converter.convert_version(model, 17)`,
      { opset },
    );
}

/** What can't be given for each sample is given for one sample at a time. */
export function batchOf(inputs: readonly OnnxFileValue[]): number | undefined {
  const first = ({ shape }: OnnxFileValue) => (shape ? (shape[0] ?? 1) : '?');
  const sizes = new Set(inputs.map(first).filter((n) => typeof n === 'number'));
  const [batch, other] = sizes;
  if (other !== undefined || batch === 0)
    throw onnxFault(
      `its inputs have fixed batches that differ or are empty: ${inputs.map(shownValue).join(', ')}; export it with the first size of each left open (dynamic_axes)`,
    );
  return batch;
}

export function typed(
  file: OnnxFile,
  value: OnnxFileValue,
  types: readonly (OnnxType | undefined)[],
  what: string,
): OnnxType {
  if (value.type && types.includes(value.type)) return value.type;
  throw onnxFault(`${what} is expected, and ${shownValue(value)} is none; ${contents(file)}`);
}

export function sizesOf(
  file: OnnxFile,
  value: OnnxFileValue,
  rank: number,
  what: string,
): readonly (number | string)[] {
  const shape = value.shape ?? new Array<string>(rank).fill('?');
  if (shape.length === rank) return shape;
  throw onnxFault(`${what} is expected, and ${shownValue(value)} is none; ${contents(file)}`);
}

/** A size of the file's, or given where it leaves it open. */
export function size(
  value: OnnxFileValue,
  found: number | string,
  given: number | undefined,
  key: string,
): number {
  if (typeof found === 'string') {
    if (given !== undefined) return given;
    throw onnxFault(`${shownValue(value)} leaves a size open: add ${key}`, { key });
  }
  if (found < 1 || (given !== undefined && given !== found))
    throw onnxFault(
      `${shownValue(value)} has ${found} for ${key}${given === undefined ? '' : `, not ${given}`}`,
      {
        key,
      },
    );
  return found;
}

/** As `sample: float32 [n, 3, 32, 32]`. */
export const shownValue = ({ name, type, shape }: OnnxFileValue): string =>
  `${name}: ${type ?? 'no plain tensor'}${shape ? ` [${shape.join(', ')}]` : ''}`;

const LISTED = 16;

export function contents({ inputs, outputs }: OnnxFile): string {
  const list = (values: readonly OnnxFileValue[]) =>
    values.length > LISTED
      ? [...values.slice(0, LISTED).map(shownValue), '…'].join(', ')
      : values.map(shownValue).join(', ') || 'nothing';
  return `it maps ${list(inputs)} to ${list(outputs)}`;
}
