import { page } from '@fewstep/report';
import { browser, hasBrowser } from './browser.js';
import { large } from './made-up.js';

/**
 * What pages of so many points may take to open, and be: seconds of one processor, so that others at work on the machine make
 * no difference, and bytes.
 */
const most = [
  { points: 200, seconds: 1, bytes: 10e6 },
  { points: 2000, seconds: 3, bytes: 30e6 },
] as const;

if (!hasBrowser) process.exit(0); // it is said
const { open, close } = browser();
for (const { points, seconds, bytes } of most) {
  const data = large(points);
  const { length } = await page(data);
  const { tab, faults, busy } = await open(data);
  const took = await busy();
  await tab.locator('#about tfoot').waitFor();
  await tab.locator('#samples .grid').waitFor();
  const before = await busy();
  await tab.getByLabel('Filter', { exact: true }).fill('heun lr 3');
  await tab.locator('#results [role=status]', { hasText: ' of ' }).waitFor();
  const filtered = (await busy()) - before;
  const isGood = took <= seconds && length <= bytes && faults.length === 0;
  console.log(
    `${isGood ? 'good' : 'NOT GOOD'}: ${points} points, ${(length / 1e6).toFixed(1)} MB, open after ${took.toFixed(2)} s, filtered after ${filtered.toFixed(2)} s ${faults.join(' ')}`,
  );
  if (!isGood) process.exitCode = 1;
}

await close();
