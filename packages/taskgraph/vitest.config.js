/** Graphs in memory take all the time there is: on both cores. */
export default { test: { maxWorkers: 2 } };
