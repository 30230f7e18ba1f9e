import type { Digest } from './sha256.js'

/** A checkpoint to be kept outside, and what a witness needs to see that the log only grew. */
export interface AnchoredCheckpoint {
  readonly origin: string
  readonly size: number
  readonly note: string
  /** Shows that the log of this checkpoint begins with the first `size` leaves. */
  consistencyProof(size: number): Promise<readonly Digest[]>
}

/**
 * A place outside of the database where checkpoints are kept: the only thing that tells of a log that was rolled
 * back to an older state.
 */
export interface CheckpointAnchor {
  readonly name: string
  /** Resolves when the checkpoint is kept as safely as the anchor can, and rejects otherwise: it is then tried again. */
  publish(checkpoint: AnchoredCheckpoint): Promise<void>
  /** The checkpoints that it keeps, as notes, oldest first; at least the last one. */
  read(): Promise<readonly string[]>
}
