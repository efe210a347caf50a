import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { filesInFolder, imageNames, imagePath, imageSeed } from './image-names.js';
import { countImages, readImages } from './read-images.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fewstep-image-names-'));
});
afterAll(() => rm(root, { recursive: true }));

/** A folder with files of no matter what, and links by what they lead to. */
async function folderOf(
  name: string,
  files: readonly string[],
  links: Readonly<Record<string, string>> = {},
) {
  const folder = join(root, name);
  for (const file of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), '');
  }
  for (const [link, target] of Object.entries(links)) await symlink(target, join(folder, link));
  return folder;
}
const imagesIn = (folder: string) => imageNames(filesInFolder(folder)).images;
const refusal = (folder: string) => {
  try {
    filesInFolder(folder);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('images of a folder', () => {
  it('are those that links lead to, too: folders, files, the folder itself', async () => {
    await folderOf('real', ['x/0.png', 'x/deep/1.png']);
    const half = await folderOf('half', ['b.png'], {
      a: join(root, 'real/x'),
      'c.png': '../real/x/0.png',
      'd.png': 'b.png',
    });
    expect(imagesIn(half)).toEqual(['a/0.png', 'a/deep/1.png', 'b.png', 'c.png', 'd.png']);
    expect(await countImages(half)).toBe(5);
    const link = join(root, 'link-to-set');
    await symlink(half, link);
    expect(imagesIn(link)).toEqual(imagesIn(half));
  });

  it('are not what systems leave, what is out of sight, and results', async () => {
    const folder = await folderOf('litter', [
      'a.png',
      'b/Thumbs.db',
      'b/c.png',
      '.DS_Store',
      '._a.png',
      '.fewstep/tmp/picture.png',
      '@eaDir/a.png/thumb.jpg',
      '__MACOSX/a.png',
      'README.txt',
      'results/exp/.fewstep-results',
      'results/exp/comparison.png',
      'results/exp/euler/grid.png',
      'results/mine.png',
    ]);
    await symlink('nowhere', join(folder, '.linked'));
    expect(imagesIn(folder)).toEqual(['a.png', 'b/c.png', 'results/mine.png']);
    // the set itself may be what is left out elsewhere
    expect(imagesIn(join(folder, 'results/exp'))).toEqual(['comparison.png', 'euler/grid.png']);
  });

  it.each([
    ['a link that leads nowhere', { 'b/c': 'gone' }, /b\/c is a link that leads nowhere/, 'b/c'],
    ['a link to itself', { 'b/c': 'c' }, /b\/c is a link that leads nowhere/, 'b/c'],
    ['a loop', { 'b/up': '..' }, /b\/up is the same folder as that which it lies in/, 'b/up'],
    ['two names of one folder', { again: 'b' }, /b is the same folder as again.*twice/, 'b'],
  ])('are not counted at a guess: %s is refused', async (name, links, message, entry) => {
    const folder = await folderOf(name, ['a.png', 'b/b.png'], links);
    const expected = {
      code: 'E_IMAGES',
      message: expect.stringMatching(message),
      evidence: { file: folder, entry },
    };
    expect(refusal(folder)).toMatchObject(expected);
    await expect(countImages(folder)).rejects.toMatchObject(expected);
  });

  it.skipIf(process.platform === 'win32')('are files: a socket of such a name is refused', async () => {
    const folder = await folderOf('socket', ['a.png']);
    const servers = ['log', 'b.png'].map((name) => createServer().listen(join(folder, name)));
    await Promise.all(servers.map((server) => once(server, 'listening')));
    expect(refusal(folder)).toMatchObject({ code: 'E_IMAGES', evidence: { entry: 'b.png' } });
    servers.pop()!.close();
    expect(imagesIn(folder)).toEqual(['a.png']);
    servers.pop()!.close();
  });

  it.skipIf(process.getuid?.() === 0)('are all there: a folder that can’t be read is refused', async () => {
    const folder = await folderOf('closed', ['a.png', 'b/b.png']);
    await chmod(join(folder, 'b'), 0);
    expect(refusal(folder)).toMatchObject({ code: 'E_IMAGES', evidence: { entry: 'b' } });
    await chmod(join(folder, 'b'), 0o700);
  });
});

describe('images of a zip', () => {
  const zipOf = async (name: string, entries: readonly (readonly [name: string, mode?: number])[]) => {
    const zip = new ZipFile();
    for (const [file, mode = 0o100644] of entries) zip.addBuffer(Buffer.from('b'), file, { mode });
    zip.end();
    await writeFile(join(root, name), await buffer(zip.outputStream));
    return join(root, name);
  };

  it('count by the same rule', async () => {
    const path = await zipOf('litter.zip', [
      ['a.png'],
      ['__MACOSX/._a.png'],
      ['r/.fewstep-results'],
      ['r/grid.png'],
    ]);
    expect(await countImages(path)).toBe(1);
  });

  it('are refused where one is there twice, or a link to what is not', async () => {
    const look = async (path: string) => {
      for await (const { n } of readImages(path)) expect(n).toBe(0);
    };
    const twice = await zipOf('twice.zip', [['a.png'], ['a.png']]);
    await expect(look(twice)).rejects.toMatchObject({
      code: 'E_IMAGES',
      message: expect.stringContaining('two files named a.png'),
    });
    const linked = await zipOf('linked.zip', [['a.png'], ['more', 0o120777]]);
    await expect(look(linked)).rejects.toMatchObject({ code: 'E_IMAGES', evidence: { entry: 'more' } });
  });
});

describe('the seed of an image', () => {
  it('is told by its name, as it was named', () => {
    for (const seed of [0, 17, 999, 1000, 4_294_967_295])
      for (const subdirs of [true, false]) expect(imageSeed(imagePath(seed, { subdirs }))).toBe(seed);
    expect(imageSeed('some/where.v2/7.jpeg')).toBe(7);
  });

  it.each([
    'grid.png',
    '000000/img00000003.png',
    '3_0.png',
    '3.1.png',
    '-3.png',
    '4294967296.png',
    '17',
    '17/a.png',
  ])('is not guessed: %s', (name) => {
    expect(imageSeed(name)).toBeUndefined();
  });
});
