import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { printable } from '../judging/shown.js';
import { examplesText } from './examples.js';
import { type Answer, answer, standardOutput } from './terminal/answer.js';

const collect = (value: string, before: readonly string[]) => [...before, value];
/** A whole number, in the form of an option's value. */
const whole =
  (least = Number.MIN_SAFE_INTEGER) =>
  (text: string): number => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(
      `It is a whole number${least === Number.MIN_SAFE_INTEGER ? '' : ` of at least ${least}`}.`,
    );
  };
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

const output = standardOutput(process.stdout);

/** What --json says of a command that has done nothing yet; of the others that is nothing. */
const emptyAnswers: Readonly<Record<string, object>> = {
  run: { experiments: [], tasks: { computed: 0, local: 0, remote: 0 } },
  report: { experiments: [], missing: [] },
  plan: { experiments: [], tasks: { found: 0, remote: 0, toCompute: 0 } },
  sample: { experiments: [], tasks: { computed: 0, local: 0, remote: 0 } },
  calc: { sets: [] },
  validate: { experiments: [] },
  push: { sent: 0, there: 0, unsigned: 0, lost: 0, failed: 0, bytes: 0 },
  pull: { found: 0, files: 0, there: 0, missing: 0, toCompute: 0, bytes: 0 },
};
const answerOf = (command: string, json: boolean) =>
  answer(output, { json, empty: emptyAnswers[command] ?? {} });

/** What a command does: it gets its arguments, its options and its answer. */
type Work = (...given: never[]) => void | Promise<void>;

/** The action of a command, whose code is loaded when it is called; it ends with its answer or with an error. */
const doing =
  (load: () => Promise<Work>) =>
  async (...given: readonly unknown[]): Promise<void> => {
    const [options, command] = given.slice(-2) as [
      { readonly json?: boolean; readonly quiet?: boolean },
      Command,
    ];
    const said = answerOf(command.name(), options.json ?? false);
    try {
      const { workingFolder } = await import('../workspace.js');
      workingFolder(); // everything is relative to it
      const work = await load();
      const { quietlyIf } = await import('./terminal/say.js');
      await quietlyIf(options.quiet, () => work(...([...given.slice(0, -1), said] as never[])));
      said.end();
    } catch (error) {
      await fail(error, said, usages.get(command));
    }
  };

const withJson = (command: Command) => command.option('--json', 'print one JSON object on standard output');
const withSet = (command: Command) =>
  withJson(
    command.option(
      '--set <path=value>',
      'override a key of the spec, e.g. student.num_steps=5; path=null takes it away, grid= the grid (repeatable)',
      collect,
      [],
    ),
  );
/** Of specs whose points are meant. */
const withChanges = (command: Command) =>
  withSet(command).option(
    '--only <label>',
    'of the grid only the point of this label, or of the folder of its results (repeatable)',
    collect,
    [],
  );
const withQuiet = (command: Command) =>
  command.option('--quiet', 'say nothing of what goes well: no progress, but warnings and errors');
const withExecutor = (command: Command) =>
  withQuiet(withDevice(command))
    .option(
      '--executor <name[:place]>',
      'where tasks are computed, by a plugin @fewstep/executor-NAME (default: processes of this machine)',
    )
    .option('--redis <url>', 'have workers compute them that are at a Redis: --executor bullmq:URL')
    .option('--same-device', 'take no result that another kind of device computed');
const withDevice = (command: Command) =>
  command
    .option(
      '--device <device>',
      'what evaluates networks, each of several its own tasks: cpu, cuda, cuda:0,1, tensorrt, webgpu, or by @fewstep/engine-tfjs tfjs, tfjs:wasm and its like (default: cpu)',
    )
    .option('--jobs <n>', 'how many tasks each device computes at once (default: 1)', whole(1));
const withStore = (command: Command) =>
  command.option(
    '--store <dir>',
    'where results are kept (default: $FEWSTEP_STORE, or .fewstep in the workspace)',
  );
const withCache = (command: Command) =>
  withStore(command).option(
    '--cache <name[:place]>',
    'where to look for what the store has not, by a plugin @fewstep/cache-NAME, as dir:/mnt/lab; with ,ro behind it only that; none (default: $FEWSTEP_CACHE, or that of fewstep.config.yaml)',
  );

/** Of commands that take several. */
const specsTold =
  'YAML files, or folders of such; - is standard input (default: the one in the working folder)';
const withResults = (command: Command) =>
  withJson(
    command.option('--results <dir>', 'where the results of runs are (default: results in the workspace)'),
  );

const program = new Command('fewstep')
  .description(
    'Sampling diffusion models in a few network evaluations: declarative experiments, computed once.',
  )
  .version(version)
  .configureOutput({ outputError: (text, write) => write(text.split('\n').map(printable).join('\n')) })
  .exitOverride()
  .showHelpAfterError('(fewstep --help tells more)');

const formatOption = () =>
  program
    .createOption(
      '--format <format>',
      'what pictures are written as (default: png; webp is without loss, too)',
    )
    .choices(['png', 'webp']);

withExecutor(withCache(withChanges(program.command('run'))))
  .description('compute what is not in the store yet; print the table, write the pictures')
  .argument(
    '[spec...]',
    'YAML files, one experiment each, or folders of such; - is standard input (default: the one in the working folder)',
  )
  .option(
    '--results <dir>',
    'where tables and pictures go, in a folder per experiment (default: results in the workspace)',
  )
  .option(
    '--fetch',
    'download what the specs need of the registry and isn’t here, before anything is computed',
  )
  .addOption(formatOption())
  .option(
    '--serve [port]',
    'show the report in a browser of this machine while the run goes on (default: a port that is free)',
    whole(0),
  )
  .action(doing(async () => (await import('./run/run.js')).run));

withCache(withChanges(program.command('report')))
  .description(
    'write what the store has of specs as one HTML page, and as CSV, LaTeX and JSON; compute nothing',
  )
  .argument(
    '[spec...]',
    'YAML files, or folders of such; of several one page together; - is standard input (default: the one in the working folder)',
  )
  .option(
    '--results <dir>',
    'where results are, in a folder per experiment (default: results in the workspace)',
  )
  .action(doing(async () => (await import('./reports/report.js')).report));

withResults(program.command('compare'))
  .description('experiments or points side by side: what differs between them, and how sure that is')
  .argument('<results...>', 'specs that were run, folders of results, NAME, or NAME/POINT')
  .option('--outdir <dir>', 'also a page, and a picture of the same seeds, in this folder')
  .addOption(formatOption())
  .action(doing(async () => (await import('./reports/compare.js')).compare));

withCache(withChanges(program.command('plan')))
  .description('say what a run would find in the store and what it would compute')
  .argument('[spec...]', specsTold)
  .option('--why', 'say for each task what made it new')
  .option('--tasks <file>', 'write what can be computed now, a task a line, for fewstep worker --once')
  .action(doing(async () => (await import('./specs/plan.js')).plan));

withExecutor(withCache(program.command('worker')))
  .description('compute tasks that runs on any machine ask for, until it is ended')
  .argument('[lines]', 'with --once, which tasks of its file: N, or N-M')
  .option('--once <file>', 'compute tasks of such a file as plan --tasks writes, and end')
  .action(doing(async () => (await import('./run/worker.js')).worker));
withCache(withChanges(program.command('graph')))
  .description('draw the tasks of a spec: what needs what, where each is, and what it costs')
  .argument('<spec>', 'YAML file')
  .addOption(
    program
      .createOption(
        '--format <format>',
        'a picture, a flowchart for Markdown, or every task as data (default: svg)',
      )
      .choices(['svg', 'mermaid', 'json']),
  )
  .option('--out <file>', 'file to write (default: standard output)')
  .action(doing(async () => (await import('./specs/graph.js')).graph));

withChanges(program.command('validate'))
  .description('check specs; report every problem with its place')
  .argument('[spec...]', specsTold)
  .action(doing(async () => (await import('./specs/validate.js')).validate));

withExecutor(withCache(withChanges(program.command('sample'))))
  .description('write images of seeds as PNG files: of a spec, or of a trained predictor or table alone')
  .argument('[spec]', 'YAML file; without one --predictor or --sampler says what is sampled')
  .option(
    '--predictor <file, number or name>',
    'a trained predictor: a file, the number of a training in exps/, or a result as NAME/POINT; in place of a spec’s sampler and grid',
  )
  .option(
    '--sampler <file or name>',
    'a sampler as a table: a sampler.json, or a result as NAME/POINT; in place of a spec’s sampler and grid',
  )
  .option('--dataset <name>', 'of the registry (default: the spec’s, else what the sampler was made for)')
  .option('--seeds <seeds>', 'which seeds, e.g. 0-63 or 1,2,5-10 (default: the spec’s, else 0-63)')
  .option('--batch <n>', 'images evaluated at once; changes no image (default: the spec’s, else 64)')
  .option('--prompt <text>', 'the prompt of every image, of a model that has prompts')
  .option(
    '--prompts <file>',
    'a file of prompts, a line each or a CSV with a column text; seed s gets entry s mod their number',
  )
  .option(
    '--outdir <dir>',
    'where the images go (default: samples/NAME of a spec, else samples/DATASET/SOLVER_nfeN; of a grid samples/grids/…)',
  )
  .option('--subdirs', 'a folder for each thousand seeds')
  .option('--grid', 'one picture grid.png of all images in place of a file for each')
  .addOption(formatOption())
  .option('--return-inters', 'also what the images were at each timestep, as inters/inters.npz and .png')
  .action(doing(async () => (await import('./images/sample.js')).sample));

const fid = program.command('fid').description('Fréchet distance of sets of images on disk');
const withFeatures = (command: Command) =>
  withJson(
    withExecutor(withCache(command))
      .option(
        '--features <file or name>',
        'feature network of the images: ONNX, weights of FID’s Inception-v3 or of DINOv2, or a name of the registry, as dinov2 (default: inception)',
      )
      .addOption(
        program
          .createOption(
            '--resize <as>',
            'how images come to the size of Inception-v3: as in the original and EDM’s fid.py, or as in pytorch-fid (default: tensorflow)',
          )
          .choices(['tensorflow', 'pytorch']),
      )
      .option('--batch <n>', 'images that are read at once (default: 256); it changes no bit', whole(1)),
  );
withFeatures(fid.command('ref'))
  .description('write the statistics of a set of images as .npz')
  .argument('<images>', 'a zip or folder of images, or an .npz or .safetensors of features of them')
  .requiredOption('--dest <npz>', 'file to write')
  .action(doing(async () => (await import('./images/fid.js')).fidRef));
withFeatures(fid.command('calc'))
  .description('print the distance of each set of images to a reference')
  .argument(
    '<images...>',
    'zips or folders of images; .npz or .safetensors of features or statistics of them',
  )
  .requiredOption(
    '--ref <file, URL or name>',
    'statistics as .npz or EDM2’s .pkl, a zip or folder of images, features of them, or a name of the registry, as cifar10',
  )
  .option('--num <n>', 'draw so many images of each set (default: all)', whole(2))
  .option('--seed <seed>', 'which images --num draws (default: 0)', whole())
  .action(doing(async () => (await import('./images/fid.js')).fidCalc));

withExecutor(
  withJson(
    withCache(
      program
        .command('clip-score')
        .description('how well images on disk show what they were made for')
        .command('calc')
        .description('print the CLIP score of each set of images, each held against the prompt of its seed'),
    ),
  ),
)
  .argument('<images...>', 'zips or folders of images named by their seeds, as 000017.png')
  .option(
    '--clip <file or name>',
    'a CLIP with vision transformer, or a name of the registry, as clip-vit-l-14',
    'clip-vit-g-14',
  )
  .option(
    '--clip-network <map>',
    'what its weights don’t show, as dataset.clip_network of a spec: "{ activation: gelu }"',
  )
  .option(
    '--prompts <file>',
    'a prompt in each line, or a CSV with a column text; seed s has entry s mod their number (default: the 30,000 captions of ms_coco)',
  )
  .option('--num <n>', 'draw so many images of each set (default: all)', whole(1))
  .option('--seed <seed>', 'which images --num draws (default: 0)', whole())
  .option('--batch <n>', 'images that are read at once (default: 64); it changes no bit', whole(1))
  .action(doing(async () => (await import('./images/clip-score.js')).clipScoreCalc));

const toldOfNetwork =
  'what its weights don’t show, as dataset.network of a spec: "{ family: adm, image_size: 64 }"';
const models = program
  .command('models')
  .description('files of weights, in $FEWSTEP_MODELS or models/ in the workspace');
withJson(models.command('list'))
  .description('the models of the registry: files, which are here, licences, addresses')
  .action(
    doing(async () => {
      const { modelsList } = await import('./models/list.js');
      return (_options: unknown, said: Answer) => modelsList(said);
    }),
  );
withQuiet(models.command('fetch'))
  .description('download the files of models; what is here already is compared with its recorded sha256')
  .argument('<name...>', 'names of the registry, as cifar10; fewstep models list tells them')
  .option('--sha256 <file=digest>', 'what a file’s sha256 must be (repeatable)', collect, [])
  .option('--json', 'print one JSON object on standard output')
  .action(doing(async () => (await import('./models/fetch.js')).modelsFetch));
withJson(models.command('inspect'))
  .description(
    'say what a file or folder of weights is: format, family, tensors, options; nothing in it is executed',
  )
  .argument(
    '<file>',
    '.pkl, .pt, .ckpt, .safetensors, an index of shards, a zip of one, or .onnx; a folder in diffusers’ layout or of ONNX files; or a name of the registry',
  )
  .option('--network <map>', toldOfNetwork)
  .action(doing(async () => (await import('./models/inspect.js')).modelsInspect));
models
  .command('export')
  .description('write a model as ONNX: its denoiser, and decoder and text encoder where it has them')
  .argument('<model>', 'a name of the registry whose file is here, or a file or folder of weights')
  .requiredOption('--outdir <dir>', 'where the graphs go')
  .option('--network <map>', toldOfNetwork)
  .option('--json', 'print one JSON object on standard output')
  .action(doing(async () => (await import('./models/export.js')).modelsExport));

withJson(program.command('predictors').description('trained predictors').command('show'))
  .description('what a predictor was trained with, and its steps at a bottleneck of zeros')
  .argument(
    '<predictor>',
    'a file of a run or of the official training, the number of a folder of exps, or an experiment as NAME or NAME/POINT',
  )
  .option('--dataset <name>', 'whose noise levels, a name of the registry (default: as its file says)')
  .option('--sigma-min <sigma>', 'the smallest noise level (default: the dataset’s)')
  .option('--sigma-max <sigma>', 'the largest noise level (default: the dataset’s)')
  .action(doing(async () => (await import('./samplers/predictors-show.js')).predictorsShow));

const samplers = program.command('samplers').description('samplers as tables');
withJson(samplers.command('show'))
  .description('what a sampler was made for and how it was trained, and its rows')
  .argument('<sampler>', 'a sampler.json, or an experiment as NAME or NAME/POINT')
  .action(doing(async () => (await import('./samplers/show.js')).samplersShow));
withQuiet(withCache(withChanges(samplers.command('compile'))))
  .description('write the sampler of a spec as a table, where it is linear in what the network answers')
  .argument('<spec>', 'YAML file of one point')
  .requiredOption('-o, --dest <file>', 'file to write, as sampler.json')
  .action(doing(async () => (await import('./samplers/compile.js')).samplersCompile));
withJson(samplers.command('export'))
  .description('write a sampler as the files that another program takes')
  .argument(
    '<sampler>',
    'sampler.json of a training, or of a plain method; or a result as NAME or NAME/POINT',
  )
  .addOption(
    program
      .createOption('--to <program>', 'what it is for')
      .choices(['diffusers', 'comfyui', 'json'])
      .makeOptionMandatory(),
  )
  .requiredOption('--outdir <dir>', 'where the files go')
  .option(
    '--model <name>',
    'whose network it will sample there, a name of the registry, as ms_coco for Stable Diffusion (default: as its file says)',
  )
  .action(doing(async () => (await import('./samplers/export.js')).samplersExport));
withExecutor(withCache(withSet(samplers.command('bounds'))))
  .description(
    'what could be learned beyond a sampler: how much nearer its teacher it comes at best, and by what',
  )
  .argument('<sampler>', 'a sampler.json, or an experiment as NAME or NAME/POINT')
  .option('--dataset <name>', 'of the registry (default: what the sampler was made for)')
  .option('--seeds <seeds>', 'of which images, e.g. 0-63 or 1,2,5-10 (default: 0-63)')
  .option('--batch <n>', 'images evaluated at once (default: 64)')
  .action(doing(async () => (await import('./samplers/bounds.js')).samplersBounds));

const cache = program.command('cache').description('what the store and caches keep');
withQuiet(withCache(withSet(cache.command('push'))))
  .description('give the cache what the store has of specs, what is not there yet')
  .argument('[spec...]', 'YAML files')
  .option('--all', 'all that the store has')
  .action(doing(async () => (await import('./cache/push.js')).cachePush));
withQuiet(withCache(withSet(cache.command('pull'))))
  .description('get into the store what the cache has of specs, files and all')
  .argument('<spec...>', 'YAML files, or folders of such; - is standard input')
  .action(doing(async () => (await import('./cache/pull.js')).cachePull));
withStore(withSet(cache.command('ls')))
  .description(
    'what the store holds, by kind: sizes, ages, what computing it took; and what of it specs reach',
  )
  .argument('[spec...]', 'YAML files')
  .addOption(
    program
      .createOption('--by <order>', 'the largest, the oldest, or the dearest for its size first')
      .choices(['size', 'age', 'cost'])
      .default('size'),
  )
  .action(doing(async () => (await import('./cache/ls.js')).cacheLs));
withQuiet(withStore(withJson(cache.command('verify'))))
  .description('compare every file and record of the store with its digest')
  .option('--repair', 'remove what is damaged; runs compute it again')
  .action(doing(async () => (await import('./cache/verify.js')).cacheVerify));
withStore(withSet(cache.command('gc')))
  .description('say what of the store may go; with --yes remove it, also beside running runs')
  .option(
    '--max-size <size>',
    'so much that this is left, as 20GB: what costs least to compute for its size first',
  )
  .option('--older-than <time>', 'only what was put there longer ago, as 30d or 12h')
  .option('--unreachable-from <spec...>', 'only what these specs don’t reach')
  .option('--yes', 'remove it')
  .action(doing(async () => (await import('./cache/gc.js')).cacheGc));
withStore(withSet(cache.command('pin')))
  .description('keep what specs reach in the store, until it is unpinned')
  .argument('<spec...>', 'YAML files, or folders of such; - is standard input')
  .option(
    '--name <name>',
    'of one pin for all of them (default: one for each, by the name of its experiment)',
  )
  .action(doing(async () => (await import('./cache/pin.js')).cachePin));
withStore(withJson(cache.command('unpin')))
  .description('let what was pinned go when it is garbage')
  .argument('<name...>', 'names of pins; fewstep cache ls tells them')
  .action(doing(async () => (await import('./cache/pin.js')).cacheUnpin));
withStore(withSet(cache.command('why')))
  .description('which task made something, from what, when and where, and who needs it')
  .argument(
    '<what>',
    'a key or digest or the beginning of one, a file of the store, or one among the results',
  )
  .argument('[spec...]', 'YAML files that may need it')
  .action(doing(async () => (await import('./cache/why.js')).cacheWhy));

withQuiet(withJson(program.command('dataset')))
  .description('make a set of images as EDM’s dataset_tool.py does: a zip of PNG files and dataset.json')
  .argument(
    '<source>',
    'a folder or zip of images; cifar-10-binary.tar.gz, cifar-10-python.tar.gz, what was in them, or one .bin; train-images-idx3-ubyte.gz of MNIST, its labels beside it',
  )
  .argument('<out>', 'the zip to write, where there is none yet')
  .option('--max-images <n>', 'how many of its images, from the first', whole(1))
  .addOption(
    program
      .createOption(
        '--transform <crop>',
        'what is cut out of each: the square in the middle, or a strip in the middle of a black square',
      )
      .choices(['center-crop', 'center-crop-wide']),
  )
  .option('--resolution <WxH>', 'size of all images, or of a strip, as 256x256 (default: as they are)')
  .addOption(
    program
      .createOption(
        '--resize <filter>',
        'how they get it: lanczos, or area as Pillow’s box (default: lanczos)',
      )
      .choices(['lanczos', 'area']),
  )
  .action(doing(async () => (await import('./images/dataset.js')).dataset));

withResults(program.command('ls'))
  .description('what was run, when, how it ended and where its results are; the last first')
  .action(doing(async () => (await import('./reports/ls.js')).ls));
withResults(program.command('show'))
  .description('a point of a run: its settings, scores and files; of a run of several its points')
  .argument('<point>', 'a run as NAME, a point of it as NAME/POINT, or the folder of either')
  .action(doing(async () => (await import('./reports/show.js')).show));

withStore(withChanges(program.command('doctor')))
  .description('what this machine has; of specs what they need of it, what is lacking and how it is had')
  .argument('[spec...]', 'YAML files, or folders of such; - is standard input')
  .option('--device <device>', 'one more device to try, as tensorrt or cuda:1')
  .option('--redis <url>', 'which Redis to ask (default: redis://127.0.0.1:6379)')
  .action(doing(async () => (await import('./start/doctor.js')).doctor));

program
  .command('completion')
  .description('print a script that has your shell complete commands, options and their values')
  .addArgument(program.createArgument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
  .action(
    doing(async () => {
      const { completion } = await import('./start/completion.js');
      return (shell: 'bash' | 'zsh' | 'fish', _options: unknown, said: Answer) =>
        completion(program, shell, said);
    }),
  );

withJson(program.command('init'))
  .description('write a commented spec that runs, in the working folder')
  .argument('[experiment]', 'its name, and that of its file (default: that of the template)')
  .addOption(
    program
      .createOption('--template <template>', 'what it is to be')
      .choices(['first-look', 'compare-solvers', 'train-predictor', 'own-model', 'own-solver'])
      .default('first-look'),
  )
  .action(doing(async () => (await import('./start/init.js')).init));

program
  .command('schema')
  .description('print the JSON Schema of a spec, for editors')
  .argument('[spec]', 'YAML file, whose own modules count')
  .action(doing(async () => (await import('./specs/schema.js')).schema));

/** Every command below one, by its whole name. */
function* commandsBelow(command: Command, above = ''): Generator<[name: string, command: Command]> {
  for (const one of command.commands) {
    const name = `${above}${one.name()}`;
    yield [name, one];
    yield* commandsBelow(one, `${name} `);
  }
}
/** How a command is called. */
const usageOf = (name: string, command: Command) =>
  `usage: fewstep ${name} ${command.usage()}\n(fewstep ${name} --help tells more)`;
const usages = new Map<Command, string>();
for (const [name, command] of commandsBelow(program)) {
  usages.set(command, usageOf(name, command));
  command.showHelpAfterError(usages.get(command)!).addHelpText('after', () => examplesText(name));
}

/**
 * Runs the command line; sets the exit code: 0 done, 1 a task failed, 2 the input is wrong, 130 interrupted. Each
 * command's answer is out when it ends.
 */
export async function main(argv: readonly string[]): Promise<void> {
  process.stderr.on('error', () => {}); // nobody listens
  try {
    if (argv.length === 0) {
      const { welcome } = await import('./start/welcome.js'); // of the command line alone
      await welcome(answerOf('', false));
    } else await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    // help or the version was asked for; or an option is wrong: no command has begun
    if (!(error instanceof CommanderError && error.exitCode === 0))
      await fail(error, answerOf(argv[0] ?? '', argv.includes('--json')));
  }
  await output.end().catch((error: unknown) => fail(error));
}

/** Says an error, on standard error and with --json in the answer; the first one decides the exit code. */
async function fail(error: unknown, said?: ReturnType<typeof answer>, usage?: string): Promise<void> {
  const { explain } = await import('./terminal/explain.js');
  const { text, exitCode, object } = explain(error);
  const isUsage = usage !== undefined && object?.code === 'E_USAGE';
  process.stderr.write(isUsage ? `${text}${usage}\n` : text);
  if (object) said?.end(object);
  process.exitCode ||= exitCode;
}
