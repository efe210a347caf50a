/**
 * How `nx release` reads and writes the version of a package: its package.json, and `^version` where another package of
 * the workspace depends on it. Nx's own implementation comes with a compiler toolchain that nothing here uses.
 */
const { join } = require('node:path');
const { VersionActions } = require('nx/release');

class PackageJsonVersionActions extends VersionActions {
  validManifestFilenames = ['package.json'];

  async readCurrentVersionFromSourceManifest(tree) {
    const manifestPath = join(this.projectGraphNode.data.root, 'package.json');
    return { currentVersion: readJson(tree, manifestPath).version, manifestPath };
  }

  async readCurrentVersionFromRegistry() {
    return null; // tags and manifests tell
  }

  async readCurrentVersionOfDependency(tree, projectGraph, dependency) {
    const { root } = projectGraph.nodes[dependency].data;
    const { name } = readJson(tree, join(root, 'package.json'));
    const { dependencies = {} } = readJson(tree, join(this.projectGraphNode.data.root, 'package.json'));
    return { currentVersion: dependencies[name] ?? null, dependencyCollection: 'dependencies' };
  }

  async updateProjectVersion(tree, version) {
    const [{ manifestPath }] = this.manifestsToUpdate;
    tree.write(manifestPath, toText({ ...readJson(tree, manifestPath), version }));
    return [`${manifestPath}: version ${version}`];
  }

  async updateProjectDependencies(tree, projectGraph, versions) {
    const [{ manifestPath }] = this.manifestsToUpdate;
    const manifest = readJson(tree, manifestPath);
    const notes = [];
    for (const [project, version] of Object.entries(versions)) {
      const { name } = readJson(tree, join(projectGraph.nodes[project].data.root, 'package.json'));
      if (!manifest.dependencies?.[name]) continue;
      manifest.dependencies[name] = `^${version.replace(/^[\^~]/, '')}`;
      notes.push(`${manifestPath}: ${name} ${manifest.dependencies[name]}`);
    }
    tree.write(manifestPath, toText(manifest));
    return notes;
  }
}

const readJson = (tree, path) => JSON.parse(tree.read(path, 'utf-8'));
const toText = (manifest) => `${JSON.stringify(manifest, null, 2)}\n`;

module.exports = PackageJsonVersionActions;
