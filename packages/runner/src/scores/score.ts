import type { GraphBuilder, Kind, OutputRef, Ref, ShardsRef, Task } from '@fewstep/taskgraph';

/** What a score is made of. */
interface Scored {
  readonly graph: GraphBuilder;
  readonly title: string;
  /** The samples. */
  readonly images: ShardsRef;
  /** What the dataset's feature network makes of them: features, or their moments. */
  features(output: 'features' | 'moments'): ShardsRef;
  /** The same of the real images; where those are statistics, `statistics` in place of moments. */
  real(output: 'features' | 'moments'): {
    readonly reference: readonly OutputRef[];
    readonly statistics?: Ref;
  };
  /** The same seeds, solved near-exactly. */
  solved(): ShardsRef;
}

/** A score of samples, said once: its name in a spec, what it needs, what it computes, how it is shown. */
export interface Score<K extends Kind = Kind> {
  readonly name: string;
  readonly description: string;
  /** Digits after the point of each of its columns. */
  readonly digits: Readonly<Record<string, number>>;
  /** What the samples are compared with: real images themselves, or their statistics, too; the reference; nothing. */
  readonly needs: 'real images' | 'real images or statistics' | 'the reference' | 'nothing';
  /** The task that gives its columns, as JSON. */
  readonly kind: K;
  plan(scored: Scored): Task<K>;
}

export const score = <K extends Kind>(declared: Score<K>): Score<K> => declared;
