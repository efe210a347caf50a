import type { Event, Task } from '@fewstep/taskgraph';
import { printable } from '../judging/shown.js';
import { columnsOf, cut, roomOf } from '../report/columns.js';
import { evaluatesFeatures } from '../tasks/kinds.js';

/** Where progress goes. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** Whether what is said beside may be dimmed. */
  readonly hasColour?: boolean;
  /** Whether nothing is to be heard but what is not as it should be. */
  readonly isQuiet?: boolean;
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

/** Of a name so much is shown, where there is room for it, before figures beside it are. */
const leastName = 16;
/** More tasks that run are counted. */
const mostLines = 8;

/**
 * Reports a run on a screen: on a terminal the totals and a line for each task that runs, which renew themselves, all in one
 * line where it is a single one; plain lines elsewhere.
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
  const running = new Map<string, Running>();
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
  const totals = (): Facts => {
    const known = networks.flatMap(rateOf);
    const shown = known.find(({ isBusy }) => isBusy) ?? known[0];
    if (!shown) return {};
    const left = known.reduce((sum, one) => sum + one.left, 0);
    return { rate: `${rated(shown.rate)} evaluations/s`, left: `${duration(left)} left` };
  };
  /** Of a task by itself: one without evaluations says what share of it is done, if it says anything. */
  const factsOf = ({ task, since, done }: Running): Facts => {
    const share = task.work > 0 ? done / task.work : done;
    const seconds = (now() - since) / 1000;
    if (share <= 0 || share >= 1) return {};
    return {
      share: `${Math.floor(100 * share)} %`,
      ...(task.work > 0 && seconds > 0.5 && { rate: `${rated(done / seconds)}/s` }),
      left: `${duration(seconds * (1 / share - 1))} left`,
    };
  };
  const count = () => `[${settled.size}/${Math.max(tasks, settled.size)}]`;
  /** What runs; of others only where nothing runs here. */
  const status = (): Line[] => {
    const all = [...running.values()];
    const [first] = all;
    if (!first) return [{ text: `${count()} ${[...waiting.values()][0] ?? looking}`, facts: totals() }];
    if (all.length === 1) {
      const own = factsOf(first);
      const facts = { ...(first.task.work > 0 ? { share: own.share } : own), ...totals() };
      return [{ text: `${count()} ${first.task.title}`, facts }];
    }
    const most = Math.max(1, Math.min(mostLines, (screen.rows || 24) - 3));
    const shown = all.length > most ? all.slice(0, most - 1) : all;
    const more = all.length - shown.length;
    return [
      { text: count(), facts: totals() },
      ...shown.map((one) => ({ text: `  ${one.task.title}`, facts: factsOf(one) })),
      ...(more > 0 ? [{ text: `  and ${more} more`, facts: {} }] : []),
    ];
  };
  /** All of it in one line. */
  const statusText = () => {
    const all = status();
    const [total, ...each] = all as [Line, ...Line[]];
    const titles = each.map(({ text, facts: { share } }) => `${text.trim()}${share ? ` ${share}` : ''}`);
    return `${[total.text, titles.join('; ')].filter(Boolean).join(' ')}${factsText(total.facts)}`;
  };
  /** What is drawn, over which the next is. */
  let drawn = 0;
  const erase = () => {
    const up = drawn > 1 ? `\x1b[${drawn - 1}A` : '';
    drawn = 0;
    return `\r${up}\x1b[0J`;
  };
  const line = (text: string) => {
    screen.write(`${screen.isTTY ? erase() : ''}${printable(text)}\n`);
    lastLine = now();
  };
  const draw = () => {
    if (screen.isQuiet) return;
    if (!screen.isTTY) {
      if (now() - lastLine > linesEveryMs) line(statusText());
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
    const room = roomOf(screen);
    const lines = status().map((one) => fitted(one, room, screen.hasColour ?? false));
    screen.write(`${erase()}${lines.join('\n')}`);
    drawn = lines.length;
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
          if (screen.isTTY || screen.isQuiet) return draw();
          return line(`${count()} ${task.title}: ${seconds.toFixed(1)} s${factsText(totals())}`);
        }
        case 'waiting': {
          const { holder = 'another run' } = event;
          const text = `waiting for ${task.title}, which ${holder} computes`;
          waiting.set(task.id, text);
          if (screen.isTTY || screen.isQuiet || toldToWait === holder) return draw();
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
      if (screen.isTTY && !screen.isQuiet) screen.write(erase());
    },
  };
}

/** A task that runs. */
interface Running {
  readonly task: Task;
  readonly since: number;
  /** Evaluations, or of a task without any a share. */
  done: number;
}

/** What is told beside a name, as far as it is known. */
interface Facts {
  readonly share?: string | undefined;
  readonly rate?: string;
  readonly left?: string;
}
interface Line {
  readonly text: string;
  readonly facts: Facts;
}

const factsText = ({ share, rate, left }: Facts) =>
  [share, rate, left].map((fact) => (fact === undefined ? '' : ` · ${fact}`)).join('');

/** A line in so many columns: a long name gives way to what is left to do, and the rate before that. */
function fitted({ text, facts }: Line, room: number, hasColour: boolean): string {
  const name = printable(text);
  const { share, left } = facts;
  const rests = [facts, { share, left }, { left }, {}].map((some) => factsText(some as Facts));
  const rest = rests.find((one) => room - columnsOf(one) >= Math.min(columnsOf(name), leastName)) ?? '';
  const own = room - columnsOf(rest);
  const shown = rest !== '' && columnsOf(name) > own ? `${cut(name, own - 1).trimEnd()}…` : cut(name, own);
  return hasColour && rest !== '' ? `${shown}\x1b[2m${rest}\x1b[22m` : shown + rest;
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
