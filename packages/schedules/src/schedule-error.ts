/** A schedule that can't be (E_SCHEDULE): `rule` says what must hold, `found` what was given. */
export class ScheduleError extends Error {
  readonly code = 'E_SCHEDULE';

  constructor(
    readonly rule: string,
    readonly found: unknown,
    remedy: string,
  ) {
    super(`${rule}; found ${show(found)}. ${remedy}`);
    this.name = 'ScheduleError';
  }
}

function show(found: unknown): string {
  return ArrayBuffer.isView(found) || Array.isArray(found)
    ? `[${Array.from(found as ArrayLike<number>).join(', ')}]`
    : String(found);
}
