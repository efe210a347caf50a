export { type Digest, digestOfText, isDigest } from './digest.js';
export { codeOf, TaskgraphError } from './errors.js';
export { type Event, type Execution, execute } from './execute.js';
export { type Executor, filesIn, type Job, type JobInput, type JobResult } from './executor.js';
export {
  type EachRef,
  each,
  type FileRef,
  type GraphBuilder,
  graphBuilder,
  inputNodes,
  isShards,
  type Node,
  needed,
  type OutputRef,
  output,
  outputs,
  outside,
  type RangeRef,
  type Ref,
  type Shards,
  type ShardsRef,
  type Task,
} from './graph.js';
export { canonicalJson, type Json } from './json.js';
export { type KeyComponents, keyOf, type Versions, versionsOf } from './key.js';
export { isKeyedTask, type KeyedTask } from './keyed-task.js';
export {
  type ContextOf,
  file,
  type Hints,
  type Kind,
  kind,
  kindNamed,
  many,
  one,
  optional,
  params,
  type Range,
  type ResultOf,
  type Run,
  type Slice,
} from './kind.js';
export { localExecutor } from './local-executor.js';
export { type Planned, plan } from './plan.js';
export { lengthOf } from './ranges.js';
export { reach } from './reach.js';
export { otherVersions, type ReadyTask, ready, taskOf } from './ready.js';
export { everyFile, type FilesOf, type OutsideFile } from './store/file-notes.js';
export type { Collected, Garbage, Removed, StoreEntry } from './store/garbage.js';
export { type Held, isHeld, type Lease, leases } from './store/lease.js';
export type { Clock, Disk, Identity, Machine, Stamp } from './store/machine.js';
export { nodeMachine } from './store/node-machine.js';
export type { Pin } from './store/pins.js';
export { type ActionRecord, isBelieved, type Output, type Outputs, type Provenance } from './store/record.js';
export {
  type Content,
  type Refused,
  type Remote,
  type RemoteOptions,
  type RemoteStore,
  type Sent,
  withRemote,
} from './store/remote.js';
export { type SharedFiles, sharedFiles } from './store/shared-files.js';
export { isSigned, signatureOf } from './store/signature.js';
export {
  type Entry,
  type Found,
  openStore,
  type Published,
  type Store,
  type StoreOptions,
} from './store/store.js';
export type { TooSlow } from './store/transfers.js';
export type { Damage, Incomplete, Maker, Verified, VerifyOptions } from './store/verify.js';
