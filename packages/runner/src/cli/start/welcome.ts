import { specsHere } from '../specs/specs-here.js';
import type { Answer } from '../terminal/answer.js';

/** `fewstep` alone: what to do next, here. */
export async function welcome(answer: Answer): Promise<void> {
  const [spec, ...others] = await specsHere();
  const lines =
    spec === undefined
      ? [
          'Here is no experiment yet. To begin with one:',
          '',
          '  npx fewstep init    # writes first-look.yaml: plain samplers of handwritten digits',
          '  npx fewstep run     # computes it: a table, and pictures under results/first-look',
        ]
      : [
          `Experiments here: ${[spec, ...others].join(', ')}.`,
          '',
          `  npx fewstep validate ${spec}   # every mistake in it`,
          `  npx fewstep plan ${spec}       # what a run finds and computes`,
          `  npx fewstep run ${spec}        # a table, and pictures under results`,
        ];
  for (const line of [...lines, '', 'npx fewstep --help tells every command.']) answer.line(line);
}
