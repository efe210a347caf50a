import { type Declarations, type Declared, gits } from './declared.js';
import { isSteered, teacherName, teacherOptions, trains } from './resolve.js';
import type { Spec } from './schema.js';

/** What a part of a spec that names something is told. */
type Told = Readonly<Record<string, unknown>>;

/** A part of a spec that names a method or a schedule, and tells it what that declares. */
export interface Part {
  readonly path: string;
  /** The keys that decide what it names. */
  readonly of: readonly string[];
  /** Whether anything reads it. */
  readonly isRead: (spec: Spec) => boolean;
  readonly name: (spec: Spec) => string | undefined;
  /** What it may name, with a predictor or without one. */
  readonly declared: (spec: Spec) => readonly Declared[];
  /** All that has options here, for messages. */
  readonly all: readonly Declared[];
  readonly told: (spec: Spec) => Told;
  /** The same with what it takes from elsewhere, where it takes any. */
  readonly takes?: (spec: Spec) => Told;
}

/** The parts that name a method. */
export const methodPartsOf = ({ plain, students }: Declarations): readonly Part[] => [
  {
    path: 'student',
    of: ['student.solver', 'train'],
    isRead: () => true,
    name: ({ student }) => student.solver,
    declared: (spec) => (isSteered(spec) ? students : plain),
    all: [...plain, ...students],
    told: ({ student }) => student as Told,
  },
  {
    path: 'teacher',
    of: ['teacher.solver', 'student.solver', 'train'],
    isRead: trains,
    name: (spec) => teacherName(spec, students),
    declared: () => plain,
    all: plain,
    told: ({ teacher }) => (teacher ?? {}) as Told,
    takes: (spec) => teacherOptions(spec, students) as Told,
  },
  {
    path: 'reference',
    of: ['reference.solver'],
    isRead: ({ reference }) => reference !== undefined,
    name: ({ reference }) => reference?.solver,
    declared: () => plain,
    all: plain,
    told: ({ reference }) => (reference ?? {}) as Told,
  },
];

interface SchedulePart extends Part {
  readonly steps: string;
  readonly numSteps: (spec: Spec) => number | undefined;
}

/** The parts that name a schedule. */
export const schedulePartsOf = ({ given }: Declarations): readonly SchedulePart[] => [
  {
    path: 'schedule',
    of: ['schedule.type'],
    isRead: () => true,
    name: ({ schedule }) => schedule.type,
    declared: () => [...given, gits],
    all: [...given, gits],
    told: ({ schedule }) => schedule as Told,
    steps: 'student.num_steps',
    numSteps: ({ student }) => student.num_steps,
  },
  {
    path: 'reference.schedule',
    of: ['reference.schedule.type'],
    isRead: () => true,
    name: ({ reference }) => reference?.schedule?.type,
    declared: () => given,
    all: given,
    told: ({ reference }) => (reference?.schedule ?? {}) as Told,
    steps: 'reference.num_steps',
    numSteps: ({ reference }) => reference?.num_steps,
  },
];
