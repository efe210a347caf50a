/**
 * `npm run collections -- [COUNT]`: two grids on one store, again and again, beside processes that collect all garbage that
 * they may, COUNT times in all (1,000 by default). No run may compute a task twice, and every table must be that of an
 * undisturbed run.
 */
import { besideGrids } from './beside-grids.js';

const began = Date.now();
const { wrong, ...counts } = await besideGrids(Number(process.argv[2] ?? 1000));
console.log(JSON.stringify({ ...counts, seconds: Math.round((Date.now() - began) / 1000) }));
for (const one of wrong) console.log(`WRONG ${one}`);
if (wrong.length > 0) process.exitCode = 1;
