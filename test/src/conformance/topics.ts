import type { Topic } from './topic.js';

/** A folder of golden figures by name, and what runs it. */
export const topics: Readonly<Record<string, Topic>> = {};
