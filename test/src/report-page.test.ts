import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type PointData, page, type ReportData } from '@fewstep/report';
import type { AxeResults } from 'axe-core';
import type { Locator, Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { browser, hasBrowser } from './report/browser.js';
import { madeUp } from './report/made-up.js';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const evil = "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>";

/** The same with a text of somebody else's wherever a text may be. */
function withEvil(data: ReportData): ReportData {
  const spoilt = <T extends { readonly label: string }>(one: T): T => ({
    ...one,
    label: `${evil} ${one.label}`,
    series: evil,
    settings: { [evil]: evil },
  });
  return {
    ...data,
    title: evil,
    notes: [evil],
    failures: [evil],
    points: data.points.map(
      (point): PointData => ({ ...spoilt(point), spec: evil, protocol: [[evil, evil]] }),
    ),
    groups: data.groups.map(spoilt),
    teachers: data.teachers.map((one) => ({ ...one, label: evil })),
    tasks: [{ kind: evil, computed: 1, found: 0, remote: 0, seconds: 1 }],
    run: [[evil, evil]],
  };
}

describe('the page', () => {
  it('has a policy that allows its own scripts by their digests, pictures in it, and nothing else', async () => {
    const html = await page(madeUp());
    const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html) ?? [];
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      expect.stringMatching(/^script-src ('sha256-[A-Za-z0-9+/]{43}=' ?){3}$/),
      "style-src 'unsafe-inline'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    expect(html).not.toMatch(/\b(?:src|href)="(?!data:)/);
    const sheets = html.match(/data:image\/png[^<]+/g) ?? [];
    expect(html.length - sheets.join('').length).toBeLessThan(3e6);
  });

  it('takes no sheet that is none, and no file from elsewhere', async () => {
    const data = madeUp();
    const [point] = data.points as [PointData];
    const spoilt = (what: object) =>
      page({ ...data, points: [{ ...point, pictures: { ...point.pictures!, ...what } }] });
    await expect(spoilt({ sheet: 'https://example.org/a.png' })).rejects.toThrow('data URL');
    await expect(spoilt({ sheet: 'data:image/png;base64,AA</script>' })).rejects.toThrow('data URL');
    for (const file of ['javascript:alert(1)', 'https://example.org', '/etc/passwd', '//example.org/a'])
      await expect(spoilt({ file })).rejects.toThrow('no file beside the page');
  });
});

describe.skipIf(!hasBrowser)('in a browser', () => {
  const { open, close } = browser();
  afterAll(close);

  // biome-ignore lint/performance/useDomNodeTextContent: what can be seen, and not what is there
  const seen = (what: Locator) => what.innerText();
  const labels = (tab: Page) => tab.locator('#results tbody th').allTextContents();
  const column = async (tab: Page, name: string) => {
    const heads = await tab.locator('#results thead th').allTextContents();
    const at = heads.findIndex((head) => head.replace(/ [▲▼]$/, '') === name);
    return tab.locator(`#results tbody tr > :nth-child(${at + 1})`).allTextContents();
  };
  const sortBy = (tab: Page, name: string) =>
    tab.locator('#results thead button', { hasText: new RegExp(`^${name}`) }).click();
  /** What axe-core finds of consequence. */
  const barriers = async (tab: Page) => {
    await tab.evaluate(await readFile(axe, 'utf8')); // not as a script of the page, whose policy knows it not
    const { violations } = await tab.evaluate<AxeResults>('axe.run()');
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  };

  it('answers a colleague by what can be seen, asks for nothing, and is sorted, filtered and grouped', async () => {
    const { tab, requests, faults } = await open(madeUp());

    // which sampler at 5 NFE, and how sure
    const best = tab.locator('.best li', { hasText: '5 NFE' }).first();
    expect(await seen(best)).toMatch(/AMED-Solver, 5 NFE\s+fid 0\.20\d ± 0\.012\s+n = 3 trainings/);

    // grouped by all but the seed, as it is at first; and each by itself
    expect(await labels(tab)).toHaveLength(30);
    expect(await column(tab, 'n')).toContain('3');
    await tab.getByLabel('seeds together').uncheck();
    await expect.poll(() => labels(tab)).toHaveLength(42);
    await tab.getByLabel('seeds together').check();
    await expect.poll(() => labels(tab)).toHaveLength(30);

    // sorted by a figure, and back; averages are the data's whatever is filtered
    await sortBy(tab, 'fid');
    await expect.poll(async () => (await labels(tab))[0]).toBe('AMED-Solver, 8 NFE');
    expect(await tab.locator('#results th[aria-sort]').getAttribute('aria-sort')).toBe('ascending');
    const rising = (await column(tab, 'fid')).map((text) => Number(/\d+\.\d+/.exec(text)![0]));
    expect(rising).toEqual([...rising].sort((a, b) => a - b));
    await sortBy(tab, 'fid');
    await expect.poll(async () => (await labels(tab))[0]).toBe('euler, 3 NFE');
    const whole = (await column(tab, 'fid')).at((await labels(tab)).indexOf('AMED-Solver, 8 NFE'));
    await tab.getByLabel('Filter', { exact: true }).fill('amed 9');
    await expect.poll(() => labels(tab)).toEqual(['AMED-Solver, 8 NFE']);
    expect(await column(tab, 'fid')).toEqual([whole]);
    await tab.getByLabel('Filter', { exact: true }).fill('');
    await tab.getByLabel('student.solver', { exact: true }).selectOption('ipndm');
    await expect.poll(() => labels(tab)).toHaveLength(6);
    await tab.getByLabel('student.solver', { exact: true }).selectOption('');

    // what did it cost to train, and which settings gave it: one click
    await tab.locator('.best button', { hasText: 'AMED-Solver, 5 NFE' }).click();
    const dialog = tab.getByRole('dialog');
    expect(await seen(dialog)).toMatch(/training calls\s+40,480 samples through the network/);
    expect(await seen(dialog)).toMatch(/training time\s+55 s/);
    expect(await seen(dialog)).toMatch(/student\.solver\s+AMED-Solver/);
    expect(await seen(dialog)).toContain('One of 3 that differ in a seed alone');
    expect(await seen(dialog)).toMatch(/mean of fid\s+0\.20\d ± 0\.012/);
    await dialog.getByText('the whole spec').click();
    expect(await seen(dialog.locator('pre'))).toContain('solver: AMED-Solver');
    // and inside: coefficients, paths, errors, training
    expect(await seen(dialog.locator('.heat'))).toContain('sample');
    const captions = (await dialog.locator('figcaption').allTextContents()).join('\n');
    expect(captions).toContain('The plane has 99.2 % of the variance');
    expect(captions).toContain('How far the sampler is from its teacher');
    expect(captions).toContain('Training: scale_dir of each interval');
    await tab.keyboard.press('Escape');
    await expect.poll(() => tab.getByRole('dialog').count()).toBe(0);

    // what does seed 17 look like
    await tab.getByLabel('Seed', { exact: true }).fill('17');
    await tab.keyboard.press('Enter');
    await expect.poll(() => seen(tab.locator('.strip h3'))).toBe('Seed 17');
    expect(await tab.locator('.grid button.same').count()).toBe(12);
    expect(await tab.locator('.lens .image').first().getAttribute('aria-label')).toMatch(
      /^seed 17, the teacher/,
    );
    await tab.locator('.grid button[data-seed="5"]').nth(3).hover();
    await expect.poll(() => seen(tab.locator('.strip h3'))).toBe('Seed 5');
    const width = () => tab.evaluate<string>("getComputedStyle(document.querySelector('.over')).clipPath");
    await tab.getByRole('slider').fill('20');
    expect(await width()).toContain('80%');

    // plots of other figures, over other costs, cut by a key
    const drawn = () => seen(tab.locator('#plots figcaption').first());
    await tab.getByLabel('Over', { exact: true }).selectOption('trainCalls');
    await expect.poll(drawn).toContain('fid over samples that training asked the network for');
    await tab.getByLabel('Figure', { exact: true }).selectOption('rmse_to_teacher');
    await expect.poll(drawn).toContain('rmse_to_teacher over');
    await tab.getByLabel('Side by side', { exact: true }).selectOption('student.num_steps');
    await expect
      .poll(() => tab.locator('#plots figure svg').first().textContent())
      .toContain('student.num_steps');
    await tab.locator('#plots figure').first().getByText('as a table').click();
    // what is behind a plot is made when it is opened
    await expect.poll(() => tab.locator('#plots figure').first().locator('tbody tr').count()).toBe(30);
    expect([requests, faults]).toEqual([[], []]);
  });

  it.each(['light', 'dark'] as const)('has no serious barrier, %s', async (colorScheme) => {
    const { tab } = await open(madeUp([5]), { colorScheme });
    expect(await barriers(tab)).toEqual([]);
    if (colorScheme === 'dark') return;
    await tab.locator('.best button', { hasText: 'AMED-Solver, 5 NFE' }).click();
    expect(await barriers(tab)).toEqual([]);
  });

  it('is all text, whoever wrote it', async () => {
    const { tab, requests, faults } = await open(withEvil(madeUp()));
    expect(await tab.title()).toBe(evil);
    expect(await seen(tab.locator('h1'))).toBe(evil);
    await tab.locator('#results tbody th button').first().click();
    expect(await seen(tab.getByRole('dialog'))).toContain('onerror=');
    expect(await tab.locator('img[src="x"]').count()).toBe(0);
    expect(await tab.locator('main script').count()).toBe(0);
    expect([requests, faults]).toEqual([[], []]);
  });

  it('fits a telephone, is dark where the system is, and is used by the keyboard alone', async () => {
    const { tab, faults } = await open(madeUp(), {
      viewport: { width: 390, height: 800 },
      colorScheme: 'dark',
    });
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    const ground = () => tab.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(await ground()).toBe('rgb(19, 21, 24)');
    const theme = tab.getByRole('button', { name: 'light' });
    await theme.focus();
    await tab.keyboard.press('Enter');
    expect(await ground()).toBe('rgb(251, 251, 250)');

    // by Tab from one to the next: a head sorts, and keeps the focus though the table is drawn anew
    const focused = () => tab.evaluate<string>("document.activeElement?.textContent ?? ''");
    for (let i = 0; i < 40 && !(await focused()).startsWith('fid'); i++) await tab.keyboard.press('Tab');
    await tab.keyboard.press('Enter');
    await expect.poll(async () => (await labels(tab))[0]).toBe('AMED-Solver, 8 NFE');
    expect(await focused()).toMatch(/^fid/);
    // a point opens, and closes by Escape
    for (let i = 0; i < 10 && !(await focused()).startsWith('AMED-Solver, 8'); i++)
      await tab.keyboard.press('Tab');
    await tab.keyboard.press('Enter');
    expect(await seen(tab.getByRole('dialog').getByRole('heading', { level: 2 }))).toContain('8 NFE');
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await tab.keyboard.press('Escape');
    await expect.poll(() => tab.getByRole('dialog').count()).toBe(0);
    expect(faults).toEqual([]);
  });
});
