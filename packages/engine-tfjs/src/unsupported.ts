/** What an operator can't do. */
export class Unsupported extends Error {}
