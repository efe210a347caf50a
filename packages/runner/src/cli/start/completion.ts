import type { Argument, Command, Option } from 'commander';
import { ourLanguage } from '../../experiment/language.js';
import { datasetsHere, registryNames } from '../models/registry-files.js';
import type { Answer } from '../terminal/answer.js';

/** What may stand at a place of a command line: words, the files of the shell's own completion, or keys of a spec, as `train.lr=`. */
type Values = { readonly words: readonly string[] } | 'files' | 'folders' | 'keys' | 'none';

/** A command as completion knows it. */
interface Completed {
  /** Words after fewstep: empty, `run`, `models list`. */
  readonly name: string;
  readonly commands: readonly Told[];
  readonly options: readonly (Told & { readonly short?: string; readonly values?: Values })[];
  readonly values: Values;
}
interface Told {
  readonly name: string;
  readonly what: string;
}

/** What options and arguments stand for that have no choices of their own, by how they are declared. */
type Placeholders = readonly (readonly [form: RegExp, values: Values])[];
const byPlaceholder = (): Placeholders => [
  [/^<(dir|outdir)>$|dir>$/, 'folders'],
  [/^--set\b/, 'keys'],
  [/^--dataset\b/, { words: datasetsHere() }],
  [/file|npz|spec|images/, 'files'],
  [/^[<[](name|model)/, { words: registryNames() }],
  [/what|sampler|predictor|source|out|lines/, 'files'],
];

/**
 * `fewstep completion SHELL`: a script that has the shell complete commands, options and their values, made of the commands as
 * they are declared.
 */
export function completion(
  program: Command,
  shell: keyof typeof scripts,
  answer: Pick<Answer, 'data'>,
): void {
  answer.data(scripts[shell](allIn(program, byPlaceholder())));
}

function allIn(command: Command, known: Placeholders, above = ''): Completed[] {
  const help = command.createHelp();
  const below = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  const own: Completed = {
    name: above,
    commands: below.map((one) => ({ name: one.name(), what: one.description() })),
    options: help.visibleOptions(command).map((option) => ({
      name: option.long!,
      what: option.description,
      ...(option.short !== undefined && { short: option.short }),
      ...((option.required || option.optional) && { values: valuesOf(option, known, option.flags) }),
    })),
    values: command.registeredArguments[0] ? valuesOf(command.registeredArguments[0], known) : 'none',
  };
  return [own, ...below.flatMap((one) => allIn(one, known, `${above} ${one.name()}`.trim()))];
}

function valuesOf(declared: Option | Argument, known: Placeholders, flags?: string): Values {
  if (declared.argChoices) return { words: declared.argChoices };
  const told = flags ?? `<${(declared as Argument).name()}>`;
  return known.find(([form]) => form.test(told))?.[1] ?? 'none';
}

/** Keys of a spec, each with what its value follows. */
const keys = () => ['grid', ...ourLanguage.keys.keys()].map((key) => `${key}=`).join(' ');

/** A text between single quotes, of bash and zsh. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
const wordsIn = (values: Values) => (typeof values === 'string' ? [] : values.words);
/** Names of commands on the way to others, as patterns of what was typed. */
const namesOf = (all: readonly Completed[]) =>
  all.flatMap(({ name }) => (name === '' ? [] : [quoted(name)])).join('|');

function bash(all: readonly Completed[]): string {
  const filled = (values: Values) =>
    values === 'keys'
      ? 'compopt -o nospace; COMPREPLY=($(compgen -W "$_fewstep_keys" -- "$word"))'
      : values === 'files' || values === 'folders'
        ? `compopt -o filenames; COMPREPLY=($(compgen -${values === 'files' ? 'f' : 'd'} -- "$word"))`
        : `COMPREPLY=($(compgen -W ${quoted(wordsIn(values).join(' '))} -- "$word"))`;
  const cases = all.map(({ name, commands, options, values }) => {
    const taking = options.flatMap(({ name: long, short, values: given }) =>
      given ? [`      ${[long, short].filter(Boolean).join('|')}) ${filled(given)}; return ;;`] : [],
    );
    const flags = options.flatMap(({ name: long, short }) => [long, ...(short ? [short] : [])]).join(' ');
    return `    ${quoted(name)})
      case "$before" in
${taking.map((line) => `  ${line}`).join('\n')}
      esac
      if [[ "$word" == -* ]]; then COMPREPLY=($(compgen -W ${quoted(flags)} -- "$word"))
      else ${commands.length > 0 ? filled({ words: commands.map((one) => one.name) }) : filled(values)}
      fi ;;`;
  });
  return `# bash completion of fewstep. In ~/.bashrc: eval "$(fewstep completion bash)"
_fewstep_keys=${quoted(keys())}
_fewstep() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" at='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${at:+$at }\${COMP_WORDS[i]}" in
      ${namesOf(all)}) at="\${at:+$at }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
}
complete -F _fewstep fewstep
`;
}

function zsh(all: readonly Completed[]): string {
  // a colon ends the name in what _describe is given
  const entry = ({ name, what }: Told) => quoted(`${name.replaceAll(':', '\\:')}:${what}`);
  const filled = (values: Values) => {
    if (values === 'files') return '_files';
    if (values === 'folders') return '_files -/';
    if (values === 'keys') return `compadd -S '' -- $_fewstep_keys`;
    return values === 'none' ? '_message "a value"' : `compadd -- ${wordsIn(values).map(quoted).join(' ')}`;
  };
  const cases = all.map(({ name, commands, options, values }) => {
    const taking = options.flatMap(({ name: long, short, values: given }) =>
      given ? [`        ${[long, short].filter(Boolean).join('|')}) ${filled(given)}; return ;;`] : [],
    );
    const flags = options.flatMap(({ name: long, short, what }) =>
      [long, short].flatMap((flag) => (flag === undefined ? [] : [entry({ name: flag, what })])),
    );
    const rest =
      commands.length > 0 ? `all=(${commands.map(entry).join(' ')}); _describe command all` : filled(values);
    return `    ${quoted(name)})
      case "$before" in
${taking.join('\n')}
      esac
      if [[ "$word" == -* ]]; then all=(${flags.join(' ')}); _describe option all
      else ${rest}
      fi ;;`;
  });
  return `#compdef fewstep
# zsh completion of fewstep. In ~/.zshrc, after compinit: eval "$(fewstep completion zsh)"
_fewstep_keys=(${keys()})
_fewstep() {
  local word="\${words[CURRENT]}" before="\${words[CURRENT-1]}" at='' one
  local -a all
  for one in "\${(@)words[2,CURRENT-1]}"; do
    case "\${at:+$at }$one" in
      ${namesOf(all)}) at="\${at:+$at }$one" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
}
if [[ "\${funcstack[1]}" == _fewstep ]]; then _fewstep "$@"; else compdef _fewstep fewstep; fi
`;
}

function fish(all: readonly Completed[]): string {
  const text = (one: string) => `'${one.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const filled = (values: Values) => {
    if (values === 'files') return ['-F'];
    if (values === 'keys') return ['-f', '-a', text('$__fewstep_keys')];
    if (values === 'folders') return ['-f', '-a', text('(__fish_complete_directories)')];
    return ['-f', ...(values === 'none' ? [] : ['-a', text(wordsIn(values).join(' '))])];
  };
  const lines = all.flatMap(({ name, commands, options, values }) => {
    const at = `complete -c fewstep -n ${text(`__fewstep_at ${name === '' ? '""' : `"${name}"`}`)}`;
    const positional = commands.length > 0 ? 'none' : values;
    return [
      `${at} ${filled(positional).join(' ')}`,
      ...commands.map((one) => `${at} -f -a ${one.name} -d ${text(one.what)}`),
      ...options.map(({ name: long, short, what, values: given }) =>
        [
          at,
          `-l ${long.slice(2)}`,
          ...(short ? [`-s ${short.slice(1)}`] : []),
          ...(given === undefined
            ? []
            : given === 'files'
              ? ['-r', '-F']
              : ['-x', ...filled(given).slice(1)]),
          `-d ${text(what)}`,
        ].join(' '),
      ),
    ];
  });
  return `# fish completion of fewstep: fewstep completion fish > ~/.config/fish/completions/fewstep.fish
set -g __fewstep_keys ${keys()}
function __fewstep_at
  set -l at
  for one in (commandline -opc)[2..]
    switch "$at $one"
      case ${all.flatMap(({ name }) => (name === '' ? [] : [text(` ${name}`)])).join(' ')}
        set at "$at $one"
    end
  end
  test "$at" = (string replace -r '(.+)' ' $1' -- "$argv[1]")
end
${lines.join('\n')}
`;
}

const scripts = { bash, zsh, fish } as const;
