import { crc32, deflateSync } from 'node:zlib';
import type { Figure, GroupData, PicturesData, PointData, ReportData } from '@fewstep/report';

/** Numbers in [0, 1) that are the same in every run. */
function random(seed: number): () => number {
  let state = seed + 0x9e3779b9;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

/** A grey PNG as a data URL. */
function png(width: number, height: number, grey: (x: number, y: number) => number): string {
  const raw = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) raw[y * (width + 1) + 1 + x] = grey(x, y);
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 0], 8);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return `data:image/png;base64,${Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', deflateSync(raw)), chunk('IEND', Buffer.alloc(0))]).toString('base64')}`;
}

const drawn = new Map<string, PicturesData>();

/** 64 rings of seeds 0 to 63; the smaller `sharpness`, the more blurred. */
function pictures(sharpness: number, side = 16): PicturesData {
  const key = `${sharpness} ${side}`;
  const known = drawn.get(key);
  if (known) return known;
  const columns = 8;
  const made: PicturesData = {
    seeds: Array.from({ length: 64 }, (_, i) => i),
    ...{ width: side, height: side, columns },
    sheet: png(columns * side, 8 * side, (x, y) => {
      const seed = Math.floor(y / side) * columns + Math.floor(x / side);
      const next = random(seed);
      const [cx, cy, radius] = [0.35 + 0.3 * next(), 0.35 + 0.3 * next(), 0.15 + 0.18 * next()];
      const distance = Math.hypot((x % side) / side - cx, (y % side) / side - cy) - radius;
      return Math.round(255 * Math.exp(-((distance * sharpness) ** 2)));
    }),
  };
  drawn.set(key, made);
  return made;
}

const solvers = ['euler', 'heun', 'dpmpp', 'ipndm', 'AMED-Solver'];

/** A grid of five samplers, of which the trained one has three seeds of its training. */
export function madeUp(nfes: readonly number[] = [3, 4, 5, 6, 7, 8]): ReportData {
  const next = random(7);
  const points: PointData[] = [];
  const groups: GroupData[] = [];
  for (const [s, solver] of solvers.entries())
    for (const nfe of nfes) {
      const isTrained = solver === 'AMED-Solver';
      const members = isTrained ? [0, 1, 2] : [0];
      const mean = (1.6 - 0.28 * s) * (3 / nfe) ** 1.7;
      const settings = { 'student.solver': solver, 'student.num_steps': nfe + 1 };
      const figuresOf = (spread: number): Record<string, Figure> => ({
        fid: { value: mean * (1 + spread), half: 0.04 * mean + 0.004 },
        rmse_to_teacher: { value: 40 * mean * (1 + spread), half: 0.8 },
      });
      const first = points.length;
      for (const seed of members)
        points.push({
          experiment: 'made-up',
          label: `${solver}, ${nfe} NFE${isTrained ? `, seed ${seed}` : ''}`,
          series: solver,
          settings: { ...settings, ...(isTrained && { 'train.seed': seed }) },
          figures: figuresOf(0.02 * (next() - 0.5)),
          nfe,
          ...(isTrained && { trainCalls: 20_000 + 4096 * nfe, seconds: { train: 40 + 3 * nfe, sample: 11 } }),
          ...{ images: 512, realImages: 10_000 },
          pictures: pictures(6 + 3 * s + nfe),
          teacher: 0,
          protocol: [
            ['seeds', '0-511'],
            ['model', 'made-up.pkl'],
            ['network', isTrained ? 'float32' : 'float32, no predictor'],
          ],
          spec: `name: made-up\nstudent:\n  solver: ${solver}\n`,
          ...(nfe === 5 && insideOf(s, isTrained)),
        });
      groups.push({
        label: `${solver}, ${nfe} NFE`,
        series: solver,
        settings,
        figures: figuresOf(0),
        nfe,
        ...(isTrained && { trainCalls: 20_000 + 4096 * nfe }),
        points: members.map((i) => first + i),
      });
    }
  const ranked = <T extends GroupData | PointData>(those: readonly T[]): T[] =>
    those.map((one) => {
      const same = those.filter(({ nfe }) => nfe === one.nfe);
      const rankOf = (name: string): Figure => {
        const figure = one.figures[name]!;
        const least = same.reduce((a, b) => (b.figures[name]!.value! < a.figures[name]!.value! ? b : a));
        const isNear = figure.value! - least.figures[name]!.value! <= 2 * figure.half!;
        return least === one ? { ...figure, rank: 'best' } : isNear ? { ...figure, rank: 'alike' } : figure;
      };
      return { ...one, figures: { fid: rankOf('fid'), rmse_to_teacher: rankOf('rmse_to_teacher') } };
    });
  return {
    title: 'made-up',
    notes: ['± is a 95 % interval: 1.96 standard errors, over other images.'],
    metrics: [
      { name: 'fid', digits: 3, best: 'lowest' },
      { name: 'rmse_to_teacher', digits: 2, best: 'lowest' },
    ],
    points: ranked(points),
    groups: ranked(groups),
    teachers: [{ label: 'the teacher: heun, 35 NFE', nfe: 35, pictures: pictures(40) }],
    tasks: [
      { kind: 'samples', computed: 42, found: 3, remote: 0, seconds: 312, evaluations: 130_000 },
      { kind: 'fid', computed: 0, found: 45, remote: 0, seconds: 9 },
    ],
    run: [
      ['command', 'fewstep run made-up.yaml'],
      ['device', 'cpu'],
    ],
    failures: [],
  };
}

/** So many points, each with pictures of its own; the more, the smaller these are, as a run makes them. */
export function large(count: number): ReportData {
  const one = madeUp([5]);
  const side = count > 500 ? 12 : 24;
  const next = random(count);
  const points = Array.from({ length: count }, (_, i): PointData => {
    const s = i % solvers.length;
    const nfe = 3 + (Math.floor(i / solvers.length) % 8);
    const rate = Math.floor(i / (solvers.length * 8));
    return {
      ...one.points[s]!,
      label: `${solvers[s]}, ${nfe} NFE, lr ${rate}`,
      series: `${solvers[s]}, lr ${rate}`,
      settings: { 'student.solver': solvers[s]!, 'student.num_steps': nfe + 1, 'train.lr': rate },
      figures: {
        fid: { value: (2 + next()) / nfe, half: 0.01 },
        rmse_to_teacher: { value: 90 * next(), half: 1 },
      },
      ...{ nfe, pictures: pictures(6 + (i % 37), side) },
    };
  });
  const groups = points.map(({ label, series, settings, figures, nfe }, i) => ({
    ...{ label, series, settings, figures, nfe: nfe!, points: [i] },
  }));
  return { ...one, title: `${count} points`, points, groups };
}

function insideOf(
  s: number,
  isTrained: boolean,
): Pick<PointData, 'paths' | 'intervals' | 'curves' | 'table'> {
  const next = random(s);
  const sigmas = [80, 24, 6.4, 1.2, 0.15];
  const steps = (levels: readonly number[], bend: number) =>
    Array.from({ length: 16 }, (_, seed) => {
      const angle = 0.4 * seed;
      return levels.map((sigma) => {
        const t = Math.log10(sigma + 1);
        return [t * Math.cos(angle), t * t * Math.sin(angle) * bend, 0.05 * Math.sin(3 * t + seed)];
      });
    });
  const fine = Array.from({ length: 30 }, (_, i) => 80 * (0.002 / 80) ** (i / 29));
  return {
    table: {
      sigmas,
      rows: [...sigmas, 0].map((_, k) =>
        Array.from({ length: k + 1 }, (_, j) => (j === 0 ? 80 / 4 ** k : next() * 2 - 0.6)),
      ),
    },
    paths: {
      ...{ explained: [0.91, 0.082, 0.004], seeds: Array.from({ length: 16 }, (_, i) => i) },
      ...{ teacher: steps(fine, 0.3), student: steps(sigmas, 0.3 + 0.05 * (5 - s)) },
      sigmas: { teacher: fine, student: sigmas },
    },
    intervals: {
      sigma: sigmas,
      rmse: sigmas.map((_, k) => (0.02 + 0.03 * (5 - s)) * (k + 1)),
      se: sigmas.map(() => 0.002),
    },
    ...(isTrained && {
      curves: {
        x: Array.from({ length: 32 }, (_, i) => 640 * (i + 1)),
        loss: Array.from({ length: 32 }, (_, i) => 3 * Math.exp(-i / 8) + 0.3 * next()),
        validation: Array.from({ length: 32 }, (_, i) => (i % 4 === 3 ? 3.2 * Math.exp(-i / 8) + 0.2 : null)),
        validationSeeds: '3221225472-3221225599',
        outputs: [0, 1, 2].flatMap((interval) =>
          ['r', 'scale_dir'].map((name) => ({
            name,
            interval,
            values: Array.from(
              { length: 32 },
              (_, i) => 0.5 + 0.1 * interval + 0.2 * (1 - Math.exp(-i / 10)),
            ),
          })),
        ),
      },
    }),
  };
}
