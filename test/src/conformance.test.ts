import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openGolden } from './conformance/golden.js';
import { runTopic } from './conformance/topic.js';
import { topics } from './conformance/topics.js';

const fixtures = fileURLToPath(new URL('../fixtures/golden', import.meta.url));

const kept = Object.entries(topics).filter(([name]) => existsSync(`${fixtures}/${name}`));

it.each(kept)('agrees with the official figures of %s', async (name, topic) => {
  const outcomes = await runTopic(topic, await openGolden(`${fixtures}/${name}`));
  expect(outcomes.filter(({ status }) => status !== 'passed')).toEqual([]);
  expect(outcomes.length).toBeGreaterThan(0);
});
