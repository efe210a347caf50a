import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { page, type ReportData } from '@fewstep/report';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Debian's; `FEWSTEP_CHROMIUM` names another. */
const browserPath = process.env.FEWSTEP_CHROMIUM ?? '/usr/bin/chromium';
export const hasBrowser = existsSync(browserPath);
if (!hasBrowser)
  console.warn(`No ${browserPath}: the report is tested in no browser (FEWSTEP_CHROMIUM names one).`);

export interface Opened {
  readonly tab: Page;
  /** What the page asked for beside itself, and what went wrong in it. */
  readonly requests: readonly string[];
  readonly faults: readonly string[];
  /** Seconds that its thread has been at work since it was opened. */
  busy(): Promise<number>;
}

/** A browser that opens reports as files, as people do. */
export function browser() {
  let running: Promise<Browser> | undefined;
  let folder: Promise<string> | undefined;
  return {
    async open(data: ReportData, options: BrowserContextOptions = {}): Promise<Opened> {
      running ??= chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
      folder ??= mkdtemp(join(tmpdir(), 'fewstep-report-'));
      const file = join(await folder, 'report.html');
      await writeFile(file, await page(data));
      const context = await (await running).newContext({
        viewport: { width: 1280, height: 900 },
        ...options,
      });
      const tab = await context.newPage();
      const [requests, faults]: [string[], string[]] = [[], []];
      const own = pathToFileURL(file).href;
      tab.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(own) && !url.startsWith('data:')) requests.push(url);
      });
      tab.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) faults.push(message.text());
      });
      tab.on('pageerror', (error) => faults.push(String(error)));
      const session = await context.newCDPSession(tab);
      await session.send('Performance.enable', { timeDomain: 'threadTicks' });
      await tab.goto(own);
      return { tab, requests, faults, busy };

      async function busy(): Promise<number> {
        const { metrics } = await session.send('Performance.getMetrics');
        return metrics.find(({ name }) => name === 'TaskDuration')!.value;
      }
    },
    async close() {
      await (await running)?.close();
      if (folder) await rm(await folder, { recursive: true, force: true });
    },
  };
}
