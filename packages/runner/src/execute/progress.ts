import type { Event, Task } from '@fewstep/taskgraph';

/** Where progress goes. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const othersWork = 'waiting for another run';
const linesEveryMs = 10_000;
const redrawEveryMs = 100;

/**
 * Reports a run on a screen: one line that renews itself on a terminal, plain lines elsewhere.
 *
 * Rate and time left count network evaluations, the only part whose cost is known beforehand.
 */
export function progress(
  screen: Screen,
  { tasks: known, work, now = Date.now }: { tasks: number; work: number; now?: () => number },
): { onEvent(event: Event): void; say(text: string): void; end(): void } {
  const settled = new Set<string>();
  let tasks = known;
  let remaining = work;
  let worked = 0;
  const running = new Map<string, { task: Task; since: number; done: number }>();
  let toldToWait = false;
  let busySince = 0;
  let busyMs = 0;
  let lastDraw = 0;
  let lastLine = now();

  /** Tasks that run and evaluate the network; the others tell nothing of its rate. */
  const evaluating = () => [...running.values()].filter(({ task }) => task.work > 0);
  const measured = () => busyMs + (evaluating().length > 0 ? now() - busySince : 0);
  const rate = () => {
    const seconds = measured() / 1000;
    const done = worked + [...running.values()].reduce((sum, { done }) => sum + done, 0);
    return seconds > 0.5 && done > 0 ? done / seconds : undefined;
  };
  const status = () => {
    const speed = rate();
    const done = [...running.values()].reduce((sum, one) => sum + one.done, 0);
    return speed && remaining > 0
      ? ` · ${Math.round(speed)} evaluations/s · ${duration((remaining - done) / speed)} left`
      : '';
  };
  const titles = () => [...running.values()].map(({ task }) => task.title).join('; ');
  const line = (text: string) => {
    if (screen.isTTY) screen.write(`\r\x1b[2K${text}\n`);
    else screen.write(`${text}\n`);
    lastLine = now();
  };
  const draw = () => {
    if (screen.isTTY) {
      if (now() - lastDraw < redrawEveryMs) return;
      lastDraw = now();
      const text = `[${settled.size}/${tasks}] ${titles() || othersWork}${status()}`;
      screen.write(`\r\x1b[2K${text.slice(0, (screen.columns ?? 80) - 1)}`);
    } else if (now() - lastLine > linesEveryMs) {
      line(`[${settled.size}/${tasks}] ${titles() || othersWork}${status()}`);
    }
  };
  const stop = (id: string) => {
    const one = running.get(id);
    const before = evaluating().length;
    running.delete(id);
    if (before > 0 && evaluating().length === 0) busyMs += now() - busySince;
    return one ? (now() - one.since) / 1000 : 0;
  };

  return {
    onEvent(event) {
      if (event.type === 'expanded') {
        tasks += event.count;
        return;
      }
      const { task } = event;
      switch (event.type) {
        case 'found':
          settled.add(task.id);
          remaining -= task.work;
          return draw();
        case 'started':
          if (evaluating().length === 0) busySince = now();
          running.set(task.id, { task, since: now(), done: 0 });
          return draw();
        case 'progress':
          running.get(task.id)!.done = Math.min(event.done, task.work);
          return draw();
        case 'computed': {
          settled.add(task.id);
          worked += task.work;
          remaining -= task.work;
          const seconds = stop(task.id);
          if (screen.isTTY) return draw();
          return line(`[${settled.size}/${tasks}] ${task.title}: ${seconds.toFixed(1)} s${status()}`);
        }
        case 'waiting':
          if (screen.isTTY || toldToWait) return draw();
          toldToWait = true;
          return line(`waiting for another run that computes ${task.title}`);
        case 'failed':
          stop(task.id);
          return line(`failed: ${task.title}`);
        case 'conflict':
          return line(
            `${task.title} is not deterministic: a second result differs from the first, which is kept`,
          );
      }
    },
    say: line,
    end() {
      if (screen.isTTY) screen.write('\r\x1b[2K');
    },
  };
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${minutes}:${String(whole % 60).padStart(2, '0')}`;
}
