import { engineFault } from '../errors.js';
import { sizeOf } from '../files/tensor.js';
import type { OnnxInput, OnnxOutput, OnnxSession } from './onnx-session.js';

/** One of the sessions that share a call, and what it is called in errors. */
export interface Part {
  readonly name: string;
  open(): Promise<OnnxSession>;
}

/**
 * Sessions of one graph as one: each takes its share of the samples of a call, in order and at the same time as the
 * others.
 *
 * @throws ModelError `E_ENGINE` that names the session which can't be opened, or failed; the others are closed, or
 *   done with their share, by then
 */
export async function splitSession(parts: readonly Part[]): Promise<OnnxSession> {
  const opened = await Promise.allSettled(parts.map((part) => part.open()));
  const sessions = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const close = async () => {
    await Promise.all(sessions.map((session) => session.close()));
  };
  try {
    valuesOf(opened, parts);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    devices: sessions.reduce((sum, { devices }) => sum + devices, 0),
    async run(inputs, n) {
      const each = Math.ceil(n / sessions.length);
      const shares = sessions
        .map((session, i) => ({ session, from: i * each, to: Math.min(n, (i + 1) * each) }))
        .filter(({ from, to }) => from < to);
      const results = await Promise.allSettled(
        shares.map(({ session, from, to }) => session.run(rowsOf(inputs, from, to), to - from)),
      );
      return joined(valuesOf(results, parts));
    },
    close,
  };
}

function valuesOf<T>(results: readonly PromiseSettledResult<T>[], parts: readonly Part[]): T[] {
  return results.map((result, i) => {
    if (result.status === 'fulfilled') return result.value;
    const cause: Error = result.reason;
    throw engineFault(`${parts[i]!.name}: ${cause.message}`, { device: parts[i]!.name }, cause);
  });
}

function rowsOf(inputs: Readonly<Record<string, OnnxInput>>, from: number, to: number) {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { data, shape }]) => {
      const each = sizeOf(shape);
      return [name, { data: data.slice(from * each, to * each), shape }];
    }),
  );
}

function joined(results: readonly Readonly<Record<string, OnnxOutput>>[]): Record<string, OnnxOutput> {
  return Object.fromEntries(
    Object.keys(results[0] ?? {}).map((name) => [name, concatenated(results.map((one) => one[name]!))]),
  );
}

function concatenated(parts: readonly OnnxOutput[]): OnnxOutput {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = parts[0] instanceof Float32Array ? new Float32Array(length) : new BigInt64Array(length);
  let at = 0;
  for (const part of parts) {
    (whole as Float32Array).set(part as Float32Array, at); // of one type, as outputs of one name are
    at += part.length;
  }
  return whole;
}
