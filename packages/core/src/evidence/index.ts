export type { AnchoredCheckpoint, CheckpointAnchor } from './anchor.js'
export { readBundle } from './bundle-reader.js'
export { writeBundle } from './bundle-writer.js'
export { canonicalJson } from './canonical-json.js'
export { type CheckpointText, type ParsedCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.js'
export { fileAnchor } from './file-anchor.js'
export { exitCodeOf, type Finding, type FindingKind, findingExitCodes } from './findings.js'
export type { LogCheckpoint, LogHead, LogLeaf, LogRecord, LogSource } from './log-record.js'
export type { VerifyReport } from './log-verification.js'
export {
  consistencyProof,
  fullSubtrees,
  inclusionProof,
  rangeRoot,
  type SubtreeRange,
  type SubtreeReader,
  storedLevels,
} from './merkle-proofs.js'
export {
  CompactTree,
  type FullSubtree,
  isConsistent,
  type LeafPlace,
  leafHash,
  nodeHash,
  rootOfInclusion,
  type TreeHead,
} from './merkle-tree.js'
export { keyId, type NoteSigner, type NoteVerifier, newSigningKey, noteSigner, noteVerifier } from './note-key.js'
export {
  type ErasureReceipt,
  isOrigin,
  type KeyReceipt,
  type ParsedReceipt,
  parseReceipt,
  type Receipt,
  type RetentionReceipt,
  signReceipt,
} from './receipt.js'
export { contentOf, factsOf, isSalt, leafOf, personalDigest, personalFields } from './row-content.js'
export { type Digest, fromBase64, sha256, toBase64 } from './sha256.js'
export { type NoteSignature, type ParsedNote, parseNote, parseSignature, signersOf, signNote } from './signed-note.js'
export { type VerifyOptions, verifyLog } from './verify-log.js'
