import type { OnnxNode } from '@fewstep/models';

/** An attribute, of which one of these is there. */
interface Setting {
  readonly int: number;
  readonly ints: readonly number[];
  readonly float: number;
  readonly string: string;
}

/** A node's attributes, read by name. Those that nobody read are known in the end, so that none is ignored. */
export class Attributes {
  private readonly unread: Set<string>;

  constructor(
    private readonly values: OnnxNode['attributes'],
    /** How many outputs the node has. */
    readonly outputs: number,
  ) {
    this.unread = new Set(Object.keys(values));
  }

  int = (name: string, otherwise: number): number => this.read(name).int ?? otherwise;
  ints = (name: string): readonly number[] | undefined => this.read(name).ints;
  float = (name: string, otherwise: number): number => this.read(name).float ?? otherwise;
  string = (name: string, otherwise: string): string => this.read(name).string ?? otherwise;

  /** @throws Error when the attribute is there with another value */
  only(name: string, expected: number | string): void {
    const found = typeof expected === 'number' ? this.int(name, expected) : this.string(name, expected);
    if (found !== expected) throw new Error(`${name} is ${found}; ${expected} is known`);
  }

  /** @throws Error when an attribute was not read */
  end(): void {
    if (this.unread.size > 0) throw new Error(`it has ${[...this.unread].join(', ')}, which is not known`);
  }

  private read(name: string): Partial<Setting> {
    this.unread.delete(name);
    return this.values[name] ?? {};
  }
}
