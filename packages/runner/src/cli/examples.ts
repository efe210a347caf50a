/** What the help of a command shows, by its name: lines as they are typed, with what each is for. */
const examples: Readonly<Record<string, readonly (readonly [line: string, what: string])[]>> = {
  run: [
    ['fewstep run digits.yaml', 'the table, and pictures in results/digits'],
    ['fewstep run experiments --device cuda:0,1', 'every spec of a folder, on two cards'],
    ['fewstep run digits.yaml --only "num_steps 4"', 'one point of the grid'],
    ['fewstep run digits.yaml --set train.lr=0.01', 'another run, in results/digits+train.lr=0.01'],
    ['fewstep run digits.yaml --set train=false --set grid=', 'the plain solver, without the grid'],
    ['fewstep run digits.yaml --serve', 'with its page in a browser while it goes on'],
    ['generate-spec | fewstep run -', 'a spec from standard input'],
  ],
  init: [
    ['fewstep init', 'first-look.yaml: samplers of handwritten digits side by side'],
    ['fewstep init mine --template own-model', 'mine.yaml, and a network as ONNX to replace by yours'],
  ],
  report: [
    ['fewstep report digits.yaml', 'results/digits/report.html, of what the store has'],
    ['fewstep report digits.yaml emoji.yaml', 'both on one page'],
  ],
  compare: [
    ['fewstep compare digits', 'the points of a run, and how sure their differences are'],
    [
      'fewstep compare digits/table digits/AMED-Solver --outdir both',
      'two of them, with a page and pictures',
    ],
  ],
  plan: [
    ['fewstep plan digits.yaml', 'what is in the store, what is missing, and what that costs'],
    ['fewstep plan digits.yaml --why', 'and what made each task new'],
  ],
  worker: [
    ['fewstep worker --redis redis://head:6379', 'computes what runs with --redis ask for'],
    ['fewstep worker --once tasks.ndjson $SLURM_ARRAY_TASK_ID', 'one task of plan --tasks'],
  ],
  graph: [['fewstep graph digits.yaml --out digits.svg', 'the tasks as boxes and edges']],
  validate: [['fewstep validate digits.yaml', 'every problem with its line and column']],
  sample: [
    ['fewstep sample digits.yaml --seeds 0-63 --outdir images', 'as images/000000.png and so on'],
    ['fewstep sample --predictor digits/AMED-Solver --grid', 'with a predictor of a run, in one picture'],
    ['fewstep sample --sampler sampler.json', 'with a table of numbers'],
  ],
  'fid ref': [['fewstep fid ref cifar10.zip --dest cifar10.npz', 'statistics of real images']],
  'fid calc': [['fewstep fid calc images --ref cifar10.npz', 'the distance of a folder of images']],
  'clip-score calc': [['fewstep clip-score calc images --prompts prompts.txt', 'image s against prompt s']],
  'models list': [['fewstep models list', 'what the registry knows, and which files are here']],
  'models fetch': [['fewstep models fetch cifar10 inception', 'a model, and what FID is taken on']],
  'models inspect': [
    ['fewstep models inspect network.pkl', 'a file of weights'],
    ['fewstep models inspect results/digits/amed/predictor.safetensors', 'a predictor of a run'],
  ],
  'models export': [['fewstep models export cifar10 --outdir onnx', 'the denoiser as ONNX']],
  'predictors show': [['fewstep predictors show digits/AMED-Solver', 'a predictor of a run']],
  'samplers show': [['fewstep samplers show sampler.json', 'the rows of a table']],
  'samplers compile': [['fewstep samplers compile spec.yaml -o sampler.json', 'a plain sampler as a table']],
  'samplers export': [
    ['fewstep samplers export sampler.json --to diffusers --outdir out', 'a scheduler for diffusers'],
  ],
  'samplers bounds': [
    ['fewstep samplers bounds sampler.json', 'how much nearer to its teacher it could come'],
  ],
  'cache push': [['fewstep cache push digits.yaml --cache dir:/mnt/lab', 'what the store has of a spec']],
  'cache pull': [['fewstep cache pull digits.yaml --cache dir:/mnt/lab', 'what the laboratory has of it']],
  'cache ls': [['fewstep cache ls digits.yaml', 'what the store holds, and what of it a spec reaches']],
  'cache verify': [['fewstep cache verify --repair', 'reads everything, removes what is damaged']],
  'cache gc': [
    ['fewstep cache gc --max-size 20GB', 'what would go'],
    ['fewstep cache gc --older-than 30d --yes', 'lets it go'],
  ],
  'cache pin': [['fewstep cache pin paper.yaml', 'what the spec reaches stays']],
  'cache unpin': [['fewstep cache unpin paper', 'it may go again']],
  'cache why': [['fewstep cache why results/digits/amed/grid.png', 'which task made it, from what']],
  dataset: [
    [
      'fewstep dataset cifar-10-python.tar.gz cifar10.zip',
      'a set of images, as EDM’s dataset_tool.py makes it',
    ],
  ],
  schema: [['fewstep schema > experiment.schema.json', 'what editors complete specs from']],
  ls: [['fewstep ls', 'what was run here, when, and where its results are']],
  show: [
    ['fewstep show digits', 'the points of a run'],
    ['fewstep show digits/AMED-Solver', 'one of them: settings, scores and files'],
  ],
  doctor: [
    ['fewstep doctor', 'what this machine has'],
    ['fewstep doctor digits.yaml', 'and what the spec needs of it and lacks'],
  ],
  completion: [
    ['eval "$(fewstep completion bash)"', 'in ~/.bashrc; of zsh in ~/.zshrc, after compinit'],
    ['fewstep completion fish > ~/.config/fish/completions/fewstep.fish', 'for fish'],
  ],
};

/** Those of a command, under its help. */
export function examplesText(name: string): string {
  const lines = examples[name] ?? [];
  return lines.length === 0
    ? ''
    : `\nExamples:\n${lines.map(([line, what]) => `  ${line}\n      ${what}`).join('\n')}`;
}
