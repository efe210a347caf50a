import { ModelError } from '@fewstep/models';

export const engineFault = (message: string, evidence: Record<string, unknown> = {}, cause?: unknown) =>
  new ModelError('E_ENGINE', message, evidence, { cause });
