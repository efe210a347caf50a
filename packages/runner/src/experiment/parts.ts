import { type Declarations, type Declared, gits, named } from './declared.js';
import {
  generatorOf,
  isSteered,
  startIn,
  steersTable,
  teacherName,
  teacherOptions,
  trains,
} from './resolve.js';
import { heun35, type Spec, trainings } from './schema.js';

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
  /** What it may name: with a predictor, of a table, or neither. */
  readonly declared: (spec: Spec) => readonly Declared[];
  /** All that has options here, for messages. */
  readonly all: readonly Declared[];
  readonly told: (spec: Spec) => Told;
  /** The same with what it takes from elsewhere, where it takes any. */
  readonly takes?: (spec: Spec) => Told;
}

/** The parts that name a method. */
export const methodPartsOf = (declarations: Declarations): readonly Part[] => {
  const { plain, students, generators } = declarations;
  return [
    {
      path: 'student',
      of: ['student.solver', 'student.start', 'student.steering', 'train', 'predictor', 'sampler'],
      isRead: () => true,
      name: ({ student }) => student.solver,
      declared: (spec) => {
        const generator = generatorOf(spec, declarations);
        if (!generator) return isSteered(spec, declarations) ? students : plain;
        // beside its own it takes the options of what it begins from
        const start = generator.evaluations ? undefined : named(plain, startIn(spec).name);
        return [{ ...generator, options: { ...start?.options, ...generator.options } }];
      },
      all: [...plain, ...students, ...generators],
      told: ({ student }) => student as Told,
    },
    {
      path: 'teacher',
      of: ['teacher.solver', 'student.solver', 'train'],
      isRead: trains,
      name: (spec) => teacherName(spec, declarations),
      declared: () => plain,
      all: plain,
      told: ({ teacher }) => (teacher ?? {}) as Told,
      takes: (spec) => teacherOptions(spec, declarations) as Told,
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
};

/** The training, which is told what that of a predictor or of a table reads. */
export const trainPartOf = (declarations: Declarations): Part => ({
  path: 'train',
  of: ['train', 'student.solver', 'student.steering', 'predictor', 'sampler'],
  isRead: trains,
  name: (spec) => trainings[generatorOf(spec, declarations) ? 'table' : 'predictor'].name,
  declared: () => Object.values(trainings),
  all: Object.values(trainings),
  told: ({ train }) => (train || {}) as Told,
});

interface SchedulePart extends Part {
  readonly steps: string;
  readonly numSteps: (spec: Spec) => number | undefined;
}

/** The parts that name a schedule. */
export const schedulePartsOf = (declarations: Declarations): readonly SchedulePart[] => {
  const { given } = declarations;
  return [
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
    {
      path: 'teacher.schedule',
      of: ['teacher.schedule.type'],
      isRead: (spec) => generatorOf(spec, declarations) !== undefined || steersTable(spec),
      name: ({ teacher }) => teacher?.schedule?.type,
      declared: () => given,
      all: given,
      told: ({ teacher }) => (teacher?.schedule ?? {}) as Told,
      steps: 'teacher.num_steps',
      numSteps: ({ teacher }) => teacher?.num_steps ?? heun35.num_steps,
    },
  ];
};
