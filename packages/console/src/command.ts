import type { AuditLog, LogOperations, Sequencer, SequencerOptions } from '@countersign/adapters/mikro-orm'
import type { AuditJobs } from '@countersign/adapters/pg-boss'
import type { AuditTrail } from '@countersign/core'
import type { CheckpointAnchor, NoteSigner } from '@countersign/core/evidence'
import type { Option, Words } from './words.js'

/** Where a command writes, for whom it works, and how it learns that nobody wants it any more. */
export interface CommandIo {
  /** What was asked for. Resolves when there is room for more; rejects when nobody takes it any more. */
  out(text: string): Promise<void>
  /** What is said about it. */
  err(text: string): Promise<void>
  /** Whether somebody looks on, who wants to see how far it is. */
  readonly isTerminal: boolean
  /** The name of the system's user who asked. */
  readonly user: string
  readonly signal: AbortSignal
}

/** An open audit store, as commands see it. */
export interface OpenStore {
  readonly trail: Pick<AuditTrail, 'record' | 'identifierHash'>
  readonly signer: NoteSigner | null
  /** Whether identifiers are hashed with the key that rows were written with. */
  readonly hasTrailKey: boolean
  /** `more` are anchors beside those that the store has. */
  operations(more?: readonly CheckpointAnchor[]): LogOperations
  log(): AuditLog
  sequencer(options: Omit<SequencerOptions, 'signer'>): Sequencer
  /** What does the work that was asked for over the API. */
  jobs(): AuditJobs
}

/** A command that needs no database. */
export interface PlanWithoutStore {
  runHere(io: CommandIo): Promise<number>
}

/** A command on a store: it may run in another process than the one it was typed into. */
export interface PlanOnStore {
  /** True for what a running server does anyway. */
  readonly isServersWork?: boolean
  /** What is in the files that it was given: they are read where it was typed, never where it runs. */
  readInput?(): Promise<readonly string[]>
  runOn(store: OpenStore, io: CommandIo, input: readonly string[]): Promise<number>
}

export type Plan = PlanWithoutStore | PlanOnStore

/** One command of the command line. */
export interface Command {
  readonly name: string
  /** What comes after its name. */
  readonly usage: string
  readonly about: string
  readonly example: string
  readonly options: Readonly<Record<string, Option>>
  /** How many words it takes that are no options, at most. */
  readonly words: number
  /**
   * Reads what was typed, and opens nothing.
   *
   * @throws UsageError
   */
  plan(words: Words): Plan
}
