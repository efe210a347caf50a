import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { codeOf, RunnerError } from '../errors.js';

const collect = (value: string, before: readonly string[]) => [...before, value];
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

const withSet = (command: Command) =>
  command
    .option(
      '--set <path=value>',
      'override a key of the spec, e.g. student.num_steps=5 (repeatable)',
      collect,
      [],
    )
    .option('--json', 'print one JSON object on standard output');
const withDevice = (command: Command) =>
  command.option(
    '--device <device>',
    'what evaluates networks: cpu, cuda, cuda:0,1, tensorrt, webgpu, tfjs or tfjs:wasm and its like (default: cpu)',
  );
const withStore = (command: Command) =>
  command.option('--store <dir>', 'where results are kept (default: $FEWSTEP_STORE or .fewstep)');

const program = new Command('fewstep')
  .description(
    'Sampling diffusion models in a few network evaluations: declarative experiments, computed once.',
  )
  .version(version)
  .exitOverride()
  .showHelpAfterError('(fewstep --help tells more)');

withDevice(withStore(withSet(program.command('run'))))
  .description('compute what is not in the store yet; print the table, write the pictures')
  .argument('<spec...>', 'YAML files, one experiment each')
  .option('--results <dir>', 'where tables and pictures go, in a folder per experiment', 'results')
  .action(async (specs, options) => (await import('./run.js')).run(specs, options));

withStore(withSet(program.command('plan')))
  .description('say what a run would find in the store and what it would compute')
  .argument('<spec...>', 'YAML files')
  .option('--why', 'say for each task what made it new')
  .action(async (specs, options) => (await import('./plan.js')).plan(specs, options));

withSet(program.command('validate'))
  .description('check specs; report every problem with its place')
  .argument('<spec...>', 'YAML files')
  .action(async (specs, options) => (await import('./validate.js')).validate(specs, options));

withDevice(withStore(withSet(program.command('sample'))))
  .description('write the images of a spec’s seeds as PNG files')
  .argument('<spec>', 'YAML file')
  .requiredOption('--outdir <dir>', 'where the images go')
  .option('--seeds <seeds>', 'which seeds, e.g. 0-63 or 1,2,5-10 (default: the spec’s)')
  .option('--subdirs', 'a folder for each thousand seeds')
  .action(async (spec, options) => (await import('./sample.js')).sample(spec, options));

const fid = program.command('fid').description('Fréchet distance of sets of images on disk');
const withFeatures = (command: Command) =>
  withStore(command)
    .argument('<images>', 'a zip or folder of images')
    .requiredOption('--features <file>', 'feature network, or weights of FID’s Inception-v3 (.pth)')
    .option('--json', 'print one JSON object on standard output');
withFeatures(fid.command('ref'))
  .description('write the statistics of a set of images as .npz')
  .requiredOption('--dest <npz>', 'file to write')
  .action(async (images, options) => (await import('./fid.js')).fidRef(images, options));
withFeatures(fid.command('calc'))
  .description('print the distance of a set of images to a reference')
  .requiredOption('--ref <npz or images>', 'statistics as .npz, or a zip or folder of images')
  .action(async (images, options) => (await import('./fid.js')).fidCalc(images, options));

const models = program
  .command('models')
  .description('files of weights, in $FEWSTEP_MODELS or models/ in the working folder');
models
  .command('list')
  .description('the models of the registry: files, which are here, licences, addresses')
  .option('--json', 'print one JSON object on standard output')
  .action(async (options) => (await import('./models-list.js')).modelsList(options));
models
  .command('fetch')
  .description('download the files of models; what is here already is compared with its recorded sha256')
  .argument('<name...>', 'names of the registry, as cifar10; fewstep models list tells them')
  .option('--sha256 <file=digest>', 'what a file’s sha256 must be (repeatable)', collect, [])
  .option('--json', 'print one JSON object on standard output')
  .action(async (names, options) => (await import('./models-fetch.js')).modelsFetch(names, options));
models
  .command('inspect')
  .description('say what a file of weights is: format, family, tensors, options; nothing in it is executed')
  .argument('<file>', '.pkl, .pt, .ckpt, .safetensors, an index of shards, a zip of one, or .onnx')
  .option('--json', 'print one JSON object on standard output')
  .action(async (file, options) => (await import('./models-inspect.js')).modelsInspect(file, options));
models
  .command('export')
  .description('write a model as ONNX: its denoiser, and decoder and text encoder where it has them')
  .argument('<model>', 'a name of the registry whose file is here, or a file or folder of weights')
  .requiredOption('--outdir <dir>', 'where the graphs go')
  .option('--json', 'print one JSON object on standard output')
  .action(async (model, options) => (await import('./models-export.js')).modelsExport(model, options));

program
  .command('schema')
  .description('print the JSON Schema of a spec, for editors')
  .action(async () => (await import('./schema.js')).schema());

/** Runs the command line; sets the exit code: 0 done, 1 a task failed, 2 the input is wrong, 130 interrupted. */
export async function main(argv: readonly string[]): Promise<void> {
  process.stderr.on('error', () => {}); // nobody listens
  process.stdout.on('error', (error) => {
    if (codeOf(error) === 'EPIPE') process.exit(0); // who reads has read enough, as `| head` does
    process.stderr.write(`E_OUTPUT standard output can't be written (${error.message})\n`);
    process.exit(1);
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    process.exitCode = explain(error);
  }
}

function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  if (error instanceof RunnerError) {
    // A spec's problems and a run's failures carry their own codes, line by line.
    const prefix = code === 'E_SPEC' || code === 'E_TASK' ? '' : `${code} `;
    process.stderr.write(`${prefix}${message}\n`);
    return error.exitCode;
  }
  if (code?.startsWith('E_')) {
    process.stderr.write(`${code} ${message}\n`);
    return 2;
  }
  process.stderr.write(`this is a bug of fewstep: ${message}\n`);
  if (process.env.FEWSTEP_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  else process.stderr.write('with FEWSTEP_DEBUG=1 in the environment it says where.\n');
  return 1;
}
