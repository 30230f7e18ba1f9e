export type { KeyedHash } from '../keyed-hash.js'
export { type CheckpointKeyEnvironment, type CheckpointKeyPlace, checkpointKeyOf } from './checkpoint-key.js'
export { Secrets, secretOfFolder, storedSecret } from './secrets.js'
