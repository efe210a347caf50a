import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Executor,
  execute,
  file,
  graphBuilder,
  kind,
  many,
  openStore,
  output,
  params,
  type Task,
  withRemote,
} from '@fewstep/taskgraph';
import { describe, expect, it } from 'vitest';
import { type Fault, startServer } from './server.test.support.js';
import { cache } from './turborepo-cache.js';

/** A chain of tasks, each of which writes what those before it wrote and its own letter. */
const write = kind({
  name: 'write',
  revision: 1,
  packages: [],
  params: params<{ letter: string }>(),
  inputs: { before: many },
  outputs: { text: file },
  run: async () => ({ run: async () => ({ files: {}, meta: {} }) }),
});
const letters = [...'abcd'];
function graph(): Task {
  const builder = graphBuilder();
  let before: Task | undefined;
  for (const letter of letters)
    before = builder.task(write, {
      title: letter,
      params: { letter },
      inputs: { before: before ? [output(before, 'text')] : [] },
    });
  return before!;
}
const executor: Executor = {
  slots: 1,
  async run({ params, inputs, dir, locate }) {
    const [path] = await Promise.all((inputs.before ?? []).map(locate));
    const before = path === undefined ? '' : await readFile(path, 'utf8');
    await writeFile(join(dir, 'text'), before + (params as { letter: string }).letter);
    return { files: { text: 'text' }, meta: {}, device: 'here' };
  },
  close: async () => {},
};

type Server = Awaited<ReturnType<typeof startServer>>;

/** What a test works with, of its own: they wait side by side. */
async function withServer(
  work: (server: Server, run: (name: string) => ReturnType<typeof runOn>) => Promise<void>,
) {
  const dir = await mkdtemp(join(tmpdir(), 'fewstep-bad-servers-'));
  const server = await startServer();
  try {
    await work(server, (name) => runOn(join(dir, name), server));
  } finally {
    await server.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Runs the graph with a store of its own: its result is right, whatever the server does. */
async function runOn(folder: string, { environment }: Server) {
  const told: string[] = [];
  const store = withRemote(await openStore(folder), cache({ environment }), {
    onFailure: ({ message }) => told.push(message),
    onSlow: ({ message }) => told.push(message),
  });
  const root = graph();
  const { records, computed, remote } = await execute([root], { store, executor, versions: {} });
  await store.settled();
  const path = await store.local.blob(records.get(root)!.outputs.text!);
  expect(await readFile(path!, 'utf8')).toBe(letters.join(''));
  return { told, computed, remote };
}

/** Answers so what is asked for of artifacts. */
const reading =
  (answer: (response: Parameters<Fault>[1]) => void): Fault =>
  ({ method, url }, response, next) =>
    method === 'GET' && !url!.includes('status') ? answer(response) : next();
const answering =
  (status: number, methods = ['GET', 'HEAD', 'PUT']): Fault =>
  (request, response, next) => {
    if (!methods.includes(request.method!)) return next();
    request.resume();
    response.writeHead(status).end();
  };
const beginning = '{"fewstep":1,';

/** Each kind of bad server: how it comes to be, once it has everything, and what is said of it. */
const servers: Readonly<Record<string, readonly [(server: Server) => void, ...RegExp[]]>> = {
  'is silent': [({ breaks }) => breaks(() => {}), /has not answered for 2 s/],
  'falls silent': [
    ({ breaks }) => breaks(reading((response) => response.writeHead(200).write(beginning))),
    /has not answered for 2 s/,
  ],
  'breaks off': [
    ({ breaks }) =>
      breaks(reading((response) => response.writeHead(200).write(beginning, () => response.destroy()))),
    /./,
  ],
  truncates: [
    ({ kept }) => {
      for (const one of kept.values()) one.body = one.body.subarray(0, one.body.length >> 1);
    },
  ],
  'lies about what is what': [
    ({ kept }) => {
      const [first] = kept.values();
      for (const one of kept.values()) one.body = first!.body;
    },
  ],
  'changes a letter of each file': [
    ({ kept }) => {
      for (const { body } of kept.values())
        if (body.includes('"name":"blobs/')) body.write('x', body.indexOf('\n') + 1);
    },
  ],
  'never ends': [
    ({ breaks }) =>
      breaks(
        reading((response) => {
          response.writeHead(200);
          const more = () => void (response.writable && response.write(Buffer.alloc(1 << 20, 32), more));
          more();
        }),
      ),
  ],
  'is out of order': [({ breaks }) => breaks(answering(500)), /it answers 500/],
  'knows nobody': [({ breaks }) => breaks(answering(401)), /401: TURBO_TOKEN is none of its tokens/],
  'has no room': [
    ({ kept, breaks }) => {
      kept.clear();
      breaks(answering(412, ['PUT']));
    },
    /it answers 412/,
  ],
  'is gone': [({ breaks }) => breaks(({ socket }) => void socket.destroy()), /./],
};

describe.concurrent('a server', () => {
  it('that is sound gives a second machine everything', () =>
    withServer(async (_, run) => {
      expect(await run('first')).toEqual({ computed: letters.length, remote: 0, told: [] });
      expect(await run('second')).toEqual({ computed: 0, remote: letters.length, told: [] });
    }));

  it.each(Object.entries(servers))(
    'that %s costs what it would have given, and is told of once',
    (_, [spoil, ...told]) =>
      withServer(async (server, run) => {
        await run('first');
        spoil(server);
        const second = await run('second');
        expect(second.computed).toBe(letters.length);
        expect(second.told).toEqual(told.map((one) => expect.stringMatching(one)));
      }),
  );
});
