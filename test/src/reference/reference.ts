import { scores } from '@fewstep/runner';
import { gitsChoices, type Option, type Options, schedules } from '@fewstep/schedules';
import {
  generators,
  type Method,
  methods,
  type SteeredMethod,
  steered,
  type TableGenerator,
} from '@fewstep/solvers';

/** What an option takes, as a cell of a table. */
function rangeOf(option: Option): string {
  if ('defaults' in option) {
    const { pixels, latents } = option.defaults;
    return `${option.enum.join(' or ')}, default ${pixels} on pixels, ${latents} on latents`;
  }
  const byDefault = 'default' in option ? `, default ${option.default}` : '';
  if ('enum' in option) return `${option.enum.join(' or ')}${byDefault}`;
  if (option.type === 'boolean') return `true or false${byDefault}`;
  if (option.type === 'array') return `a list of ${option.minItems} to ${option.maxItems} numbers above 0`;
  const { minimum, exclusiveMinimum, maximum } = option as {
    minimum?: number;
    exclusiveMinimum?: number;
    maximum?: number;
  };
  const least = exclusiveMinimum === undefined ? minimum : `above ${exclusiveMinimum}`;
  return `${[least, maximum === undefined ? [] : `to ${maximum}`].flat().join(' ')}${byDefault}`;
}

const optionsOf = (options: Options): string =>
  Object.entries(options)
    .map(([name, option]) => `\`${name}\` (${rangeOf(option)}): ${option.description}`)
    .join('<br>') || '–';

/** What others call something. */
interface Elsewhere {
  readonly name: string;
  readonly elsewhere?: Readonly<Record<string, string>>;
}

/** Markdown. */
export const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');

interface Key {
  readonly description?: string;
  readonly default?: unknown;
}

/** The reference pages in one: what a spec can name, and every key of it. `keys`: by path, of its JSON Schema. */
export function reference(keys: Readonly<Record<string, Key>>): string {
  const plain = Object.values<Method>(methods).map(({ name, evaluations, options }) => [
    `\`${name}\``,
    String(evaluations),
    optionsOf(options),
  ]);
  const students = Object.values<SteeredMethod>(steered).map(({ name, teacher, options }) => [
    `\`${name}\``,
    `\`${teacher}\``,
    optionsOf(options),
  ]);
  const tables = Object.values<Pick<TableGenerator, 'name' | 'description' | 'options'>>(generators).map(
    ({ name, description, options }) => [`\`${name}\``, description, optionsOf(options)],
  );
  const spacings = [
    ...Object.values<{ readonly name: string; readonly spacing: string; readonly options: Options }>(
      schedules,
    ),
    {
      name: 'gits',
      spacing: 'searched within a fine polynomial grid: [gits.md](gits.md)',
      options: gitsChoices,
    },
  ].map(({ name, spacing, options }) => [`\`${name}\``, spacing, optionsOf(options)]);
  const scored = scores.map(({ name, description, digits, needs }) => [
    `\`${name}\``,
    description,
    Object.keys(digits).join(', '),
    needs,
  ]);
  const every = Object.entries(keys).map(([path, { description = '', default: byDefault }]) => [
    `\`${path}\``,
    `${description}${byDefault === undefined || typeof byDefault === 'object' ? '' : ` Default: ${byDefault}.`}`,
  ]);
  const declared: readonly Elsewhere[] = [methods, steered, schedules].flatMap((all) =>
    Object.values<Elsewhere>(all),
  );
  const others = declared.flatMap(({ name, elsewhere = {} }) =>
    Object.entries(elsewhere).map(([other, options]) => [
      `\`${other}\``,
      options === '' ? `\`${name}\`` : `\`${name}\` with \`${options}\``,
    ]),
  );
  return `# What a spec can say

Made from the declarations by \`npm run reference\`.

## Solvers

\`student.solver\` with \`train: false\`, \`teacher.solver\`, \`reference.solver\`; options are keys beside it.

${table(['name', 'evaluations of an interval', 'options'], plain)}

## Students

\`student.solver\` with a predictor: two evaluations of an interval.

${table(['name', 'learns from', 'options'], students)}

## Tables

\`student.solver\` of a table that is fitted; beside their own options, those of what they begin from (\`student.start\`), where they read more of it than its noise levels.

${table(['name', 'what is free', 'options'], tables)}

## Schedules

\`schedule.type\`; \`reference.schedule.type\` and \`teacher.schedule.type\` but \`gits\`.

${table(['name', 'noise levels', 'options'], spacings)}

## Names of other programs

What others call these; a spec that says so is told the name here.

${table(['there', 'here'], others)}

## Scores

\`evaluate\`, a list.

${table(['name', 'what it is', 'columns', 'compares with'], scored)}

## Keys

${table(['key', 'what it is'], every)}
`;
}
