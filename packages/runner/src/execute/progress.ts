import type { Event, Task } from '@fewstep/taskgraph';
import { printable } from '../judging/shown.js';
import { cut, roomOf } from '../report/columns.js';

/** Where progress goes. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const looking = 'looking through the store';
const linesEveryMs = 10_000;
const redrawEveryMs = 100;

/**
 * Reports a run on a screen: one line that renews itself on a terminal, plain lines elsewhere.
 *
 * Rate and time left count network evaluations, the only part whose cost is known beforehand.
 */
export function progress(
  screen: Screen,
  {
    tasks: known,
    work,
    now = Date.now,
    later = soon,
  }: {
    tasks: number;
    work: number;
    now?: () => number;
    /** Calls back after some time, unless it is told not to. */
    later?: (ms: number, call: () => void) => () => void;
  },
): { onEvent(event: Event): void; say(text: string): void; end(): void } {
  const settled = new Set<string>();
  const running = new Map<string, { task: Task; since: number; done: number }>();
  /** What other runs compute, and who they are. */
  const waiting = new Map<string, string>();
  let [tasks, remaining, worked] = [known, work, 0];
  let [busySince, busyMs] = [0, 0];
  let toldToWait = '';
  let drawLater: (() => void) | undefined;
  let [lastDraw, lastLine] = [0, now()];

  /** Whether tasks run that evaluate the network; the others tell nothing of its rate. */
  const isEvaluating = () => [...running.values()].some(({ task }) => task.work > 0);
  const rateAndRest = () => {
    const seconds = (busyMs + (isEvaluating() ? now() - busySince : 0)) / 1000;
    const done = [...running.values()].reduce((sum, one) => sum + one.done, 0);
    const rate = (worked + done) / seconds;
    return seconds > 0.5 && rate > 0 && remaining > 0
      ? ` · ${Math.round(rate)} evaluations/s · ${duration((remaining - done) / rate)} left`
      : '';
  };
  const count = () => `[${settled.size}/${Math.max(tasks, settled.size)}]`;
  const status = () => {
    const titles = [...running.values()].map(({ task }) => task.title).join('; ');
    // of others only where nothing runs here
    return `${count()} ${titles || [...waiting.values()][0] || looking}${rateAndRest()}`;
  };
  const line = (text: string) => {
    screen.write(`${screen.isTTY ? '\r\x1b[2K' : ''}${printable(text)}\n`);
    lastLine = now();
  };
  const draw = () => {
    if (!screen.isTTY) {
      if (now() - lastLine > linesEveryMs) line(status());
      return;
    }
    const wait = lastDraw + redrawEveryMs - now();
    if (wait > 0) {
      // what is drawn may be out of date by now, and nothing may happen for long
      drawLater ??= later(wait, () => {
        drawLater = undefined;
        draw();
      });
      return;
    }
    lastDraw = now();
    screen.write(`\r\x1b[2K${cut(printable(status()), roomOf(screen))}`);
  };
  /** Seconds that it ran. */
  const stop = (id: string) => {
    const one = running.get(id);
    const before = isEvaluating();
    running.delete(id);
    if (before && !isEvaluating()) busyMs += now() - busySince;
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
          waiting.delete(task.id);
          remaining -= task.work;
          return draw();
        case 'started':
          waiting.delete(task.id);
          if (!isEvaluating()) busySince = now();
          running.set(task.id, { task, since: now(), done: 0 });
          return draw();
        case 'progress': {
          const one = running.get(task.id);
          if (one) one.done = Math.min(event.done, task.work);
          return draw();
        }
        case 'computed': {
          settled.add(task.id);
          worked += task.work;
          remaining -= task.work;
          const seconds = stop(task.id);
          if (screen.isTTY) return draw();
          return line(`${count()} ${task.title}: ${seconds.toFixed(1)} s${rateAndRest()}`);
        }
        case 'waiting': {
          const { holder = 'another run' } = event;
          const text = `waiting for ${task.title}, which ${holder} computes`;
          waiting.set(task.id, text);
          if (screen.isTTY || toldToWait === holder) return draw();
          toldToWait = holder;
          return line(text);
        }
        case 'failed':
          waiting.delete(task.id);
          stop(task.id);
          return line(`failed: ${task.title}`);
        case 'warning':
          return line(`warning: ${task.title}: ${event.text}`);
        case 'conflict':
          return line(
            `${task.title} is not deterministic: a second result differs from the first, which is kept`,
          );
      }
    },
    say: line,
    end() {
      drawLater?.();
      drawLater = undefined;
      if (screen.isTTY) screen.write('\r\x1b[2K');
    },
  };
}

/** By a timer that keeps no process alive. */
function soon(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms);
  timer.unref();
  return () => clearTimeout(timer);
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${minutes}:${String(whole % 60).padStart(2, '0')}`;
}
