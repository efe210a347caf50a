/** What runs Fewstep, as `engines` of its package says. */
const least = [20, 19] as const;

/** What is said where Node is too old to load anything else; nothing where it isn't. `version` as `process.versions.node`. */
export function oldNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > least[0] || (major === least[0] && minor >= least[1])) return undefined;
  return `fewstep needs Node ${least.join('.')} or later, and this is ${version}: get one from nodejs.org, or by nvm install ${least[0]}.`;
}
