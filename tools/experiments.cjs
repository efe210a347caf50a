/**
 * The experiments of this workspace as projects, by the plugin that the workspace builds. Nx loads plugins before anything is
 * built: until that is, there are none.
 */
let plugin;
try {
  plugin = require('../packages/nx/dist/index.js');
} catch {
  plugin = { createNodesV2: ['experiments/*.yaml', () => []] };
}
module.exports = {
  name: 'experiments',
  createNodesV2: plugin.createNodesV2,
  createNodes: plugin.createNodesV2,
};
