import type { Event, Task } from '@fewstep/taskgraph';
import { printable } from '../judging/shown.js';
import { cut, roomOf } from '../report/columns.js';
import { evaluatesFeatures } from '../tasks/kinds.js';

/** Where progress goes. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const looking = 'looking through the store';
const linesEveryMs = 10_000;
const redrawEveryMs = 100;

/** Evaluations of one network: those to come, those of finished tasks, and how long some task was at it. */
interface Pace {
  remaining: number;
  worked: number;
  busyMs: number;
  busySince: number;
}

/** How much is to be evaluated: by the model that is sampled, and by the network of features. */
export interface Work {
  readonly model: number;
  readonly features: number;
}
const networks = ['model', 'features'] as const;
type Network = (typeof networks)[number];
const networkOf = ({ kind }: Task): Network => (evaluatesFeatures(kind) ? 'features' : 'model');

/**
 * Reports a run on a screen: one line that renews itself on a terminal, plain lines elsewhere.
 *
 * Rate and time left count network evaluations, the only part whose cost is known beforehand; each of the two networks has
 * its own rate.
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
    work: Work;
    now?: () => number;
    /** Calls back after some time, unless it is told not to. */
    later?: (ms: number, call: () => void) => () => void;
  },
): { onEvent(event: Event): void; say(text: string): void; end(): void } {
  const settled = new Set<string>();
  const running = new Map<string, { task: Task; since: number; done: number }>();
  /** What other runs compute, and who they are. */
  const waiting = new Map<string, string>();
  let tasks = known;
  const paces = Object.fromEntries(
    networks.map((name): [Network, Pace] => [
      name,
      { remaining: work[name], worked: 0, busyMs: 0, busySince: 0 },
    ]),
  ) as Record<Network, Pace>;
  let toldToWait = '';
  let drawLater: (() => void) | undefined;
  let [lastDraw, lastLine] = [0, now()];

  /** Tasks that run and evaluate a network; the others tell nothing of its rate. */
  const evaluating = (network: Network) =>
    [...running.values()].filter(({ task }) => task.work > 0 && networkOf(task) === network);
  /** How fast a network is, and what it has to do yet; nothing where that is not known. */
  const rateOf = (network: Network) => {
    const { remaining, worked, busyMs, busySince } = paces[network];
    const at = evaluating(network);
    const seconds = (busyMs + (at.length > 0 ? now() - busySince : 0)) / 1000;
    const done = at.reduce((sum, one) => sum + one.done, 0);
    const rate = (worked + done) / seconds;
    return seconds > 0.5 && rate > 0 && remaining > 0
      ? [{ rate, left: (remaining - done) / rate, isBusy: at.length > 0 }]
      : [];
  };
  const rateAndRest = () => {
    const known = networks.flatMap(rateOf);
    const shown = known.find(({ isBusy }) => isBusy) ?? known[0];
    if (!shown) return '';
    const left = known.reduce((sum, one) => sum + one.left, 0);
    return ` · ${rated(shown.rate)} evaluations/s · ${duration(left)} left`;
  };
  /** A task without evaluations says what share of it is done, if it says anything. */
  const titleAndShare = ({ task, since, done }: { task: Task; since: number; done: number }) => {
    if (task.work > 0 || done <= 0 || done >= 1) return task.title;
    const left = ((now() - since) / 1000) * (1 / done - 1);
    return `${task.title} (${Math.floor(100 * done)} %, ${duration(left)} left)`;
  };
  const count = () => `[${settled.size}/${Math.max(tasks, settled.size)}]`;
  const status = () => {
    const titles = [...running.values()].map(titleAndShare).join('; ');
    // of others only where nothing runs here
    return [`${count()} ${titles || [...waiting.values()][0] || looking}`, rateAndRest()] as const;
  };
  const line = (text: string) => {
    screen.write(`${screen.isTTY ? '\r\x1b[2K' : ''}${printable(text)}\n`);
    lastLine = now();
  };
  const draw = () => {
    if (!screen.isTTY) {
      if (now() - lastLine > linesEveryMs) line(status().join(''));
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
    const [doing, rest] = status();
    const room = roomOf(screen);
    const left = room - rest.length;
    // a long name gives way to the time left
    const shown =
      left > count().length ? cut(printable(doing), left) + rest : cut(printable(doing + rest), room);
    screen.write(`\r\x1b[2K${shown}`);
  };
  /** Seconds that it ran. */
  const stop = (id: string) => {
    const one = running.get(id);
    running.delete(id);
    if (!one) return 0;
    const network = networkOf(one.task);
    if (one.task.work > 0 && evaluating(network).length === 0)
      paces[network].busyMs += now() - paces[network].busySince;
    return (now() - one.since) / 1000;
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
          paces[networkOf(task)].remaining -= task.work;
          return draw();
        case 'started':
          waiting.delete(task.id);
          if (evaluating(networkOf(task)).length === 0) paces[networkOf(task)].busySince = now();
          running.set(task.id, { task, since: now(), done: 0 });
          return draw();
        case 'progress': {
          const one = running.get(task.id);
          if (one) one.done = Math.min(event.done, task.work || 1);
          return draw();
        }
        case 'computed': {
          settled.add(task.id);
          paces[networkOf(task)].worked += task.work;
          paces[networkOf(task)].remaining -= task.work;
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

/** Slow networks do some in a minute. */
const rated = (rate: number) => (rate < 10 ? rate.toPrecision(2) : Math.round(rate));

function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${minutes}:${String(whole % 60).padStart(2, '0')}`;
}
