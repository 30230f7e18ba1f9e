import { type Actor, AuditError, type AuditTrail, type EventDetails, type EventName } from '@countersign/core'
import {
  type CheckpointAnchor,
  type LogSource,
  type NoteSigner,
  type NoteVerifier,
  noteVerifier,
  type VerifyReport,
  verifyLog,
} from '@countersign/core/evidence'
import type { MikroORM } from '@mikro-orm/core'
import { copyClient } from '../sql-client.js'
import { isLostRace } from '../sql-state.js'
import { type Erasure, type ErasureProgress, type ErasureScope, erase } from './erasure.js'
import { allHolds, type HoldRequest, type LegalHold, placeHold, releaseHold } from './holds.js'
import { assertLogKey, keepReceipt, receiptHead } from './log-keys.js'
import { type LogRange, openLog } from './log-reader.js'
import { takeLog } from './log-state.js'
import { type Disposal, type PrunedMonth, prune, type StoredMonth, storedMonths } from './retention.js'

/** What {@link logOperations} works with. */
export interface LogOperationsOptions {
  /** Where each of them is recorded. */
  readonly trail: Pick<AuditTrail, 'record'>
  /** The key of the log. Without it the log can be read, verified and exported, and nothing else. */
  readonly signer?: NoteSigner
  readonly anchors?: readonly CheckpointAnchor[]
}

/** Who does it, and in whose name where that is somebody else. */
export interface Operator extends Actor {
  readonly onBehalfOf?: Actor
}

/** Everything that is done to a log and its rows after they were written. Each of these leaves a row of its own. */
export interface LogOperations {
  /** Verifies the log against its checkpoints and all anchors. */
  verify(by: Operator, options?: VerifyRequest): Promise<VerifyReport>
  /** Opens the log, or a part of it, for `writeBundle`. */
  export(by: Operator, range?: LogRange): Promise<LogSource>
  /** Erases the personal fields of one person's rows, or of all rows that are old enough. */
  erase(by: Operator, scope: ErasureScope, onProgress?: ErasureProgress): Promise<Erasure>
  /** Takes away the months that ended before a moment; `onProgress` counts months. */
  prune(by: Operator, before: Date, disposal?: Disposal, onProgress?: ErasureProgress): Promise<PrunedMonth[]>
  placeHold(by: Operator, hold: HoldRequest): Promise<LegalHold>
  releaseHold(by: Operator, id: string): Promise<LegalHold>
  holds(): Promise<LegalHold[]>
  months(): Promise<StoredMonth[]>
  /** Has the log signed by another key from now on: both sign that it is so. */
  rotateKey(by: Operator, next: NoteSigner): Promise<void>
  close(): Promise<void>
}

/** What a verification is held against. */
export interface VerifyRequest {
  /** Public keys that are known from elsewhere; that of the own signer unless told. */
  readonly keys?: readonly NoteVerifier[]
  readonly onProgress?: (leaves: number) => void
}

/**
 * The operations on the log of an audit store.
 *
 * @example
 * const operations = logOperations(orm, { trail, signer: noteSigner(process.env.CHECKPOINT_KEY ?? '') })
 * const erasure = await operations.erase({ type: 'user', id: 'admin-1' }, { subject: { type: 'user', id: '7' } })
 */
export function logOperations(orm: MikroORM, options: LogOperationsOptions): LogOperations {
  const { trail, anchors = [] } = options
  const client = copyClient(orm, 2)
  const record = recorder(trail)
  return {
    verify: (by, request = {}) =>
      record(by, 'audit_verification', async () => {
        const kept = await Promise.all(anchors.map((anchor) => anchor.read()))
        const known = options.signer ? [noteVerifier(options.signer.verifier.text)] : []
        const report = await verifyLog(await openLog(client), { keys: known, ...request, anchors: kept.flat() })
        const findings = Object.values(report.counts).reduce((sum, count) => sum + count, 0)
        return [report, { leaves: report.leaves, findings }]
      }),
    export: (by, range) =>
      record(by, 'audit_export', async () => {
        const source = await openLog(client, range)
        return [
          source,
          { format: 'bundle', from: source.head.from, ...(source.head.to !== null && { to: source.head.to }) },
        ]
      }),
    erase: (by, scope, onProgress) =>
      record(by, 'audit_erasure', async () => {
        const erasure = await erase(client, signerOf(options), scope, onProgress)
        return [erasure, { rows: erasure.rows, held: erasure.held, receipt: erasure.id }]
      }),
    prune: (by, before, disposal = 'drop', onProgress) =>
      record(by, 'audit_prune', async () => {
        const months = await prune(client, signerOf(options), { before, disposal }, onProgress)
        const rows = months.reduce((sum, month) => sum + month.rows, 0)
        return [months, { before: before.toISOString(), rows }]
      }),
    placeHold: (by, hold) =>
      record(by, 'audit_hold', async () => {
        const placed = await placeHold(client, hold, nameOf(by))
        return [placed, { hold: placed.id, label: placed.label }]
      }),
    releaseHold: (by, id) =>
      record(by, 'audit_hold_release', async () => [await releaseHold(client, id, nameOf(by)), { hold: id }]),
    holds: () => allHolds(client),
    months: () => storedMonths(client),
    rotateKey: (by, next) =>
      record(by, 'audit_key_rotation', async () => [
        await rotate(client, signerOf(options), next),
        { key: next.verifier.text },
      ]),
    close: () => client.close(),
  }
}

type Recorder = <Event extends EventName, Result>(
  by: Operator,
  event: Event,
  run: () => Promise<[Result, EventDetails<Event>]>,
) => Promise<Result>

/** Runs an operation and records how it ended; what it throws is passed on. */
function recorder(trail: LogOperationsOptions['trail']): Recorder {
  return async (by, event, run) => {
    const who = { actor: by, ...(by.onBehalfOf && { onBehalfOf: by.onBehalfOf }) }
    try {
      const [result, details] = await run()
      await trail.record(event, { ...who, details })
      return result
    } catch (cause) {
      await trail.record(event, { ...who, outcome: 'failure', reason: 'internal_error' })
      throw cause
    }
  }
}

function signerOf({ signer }: LogOperationsOptions): NoteSigner {
  if (signer) return signer
  throw new AuditError(
    'CHECKPOINT_KEY_MISSING',
    'This needs the key of the log, and this process has none. Set CHECKPOINT_KEY, or run it where the sequencer runs.',
  )
}

/** Of the person, where a service acts in somebody's name. */
function nameOf(by: Operator): string {
  const { type, id } = by.onBehalfOf ?? by
  // No label: it may be personal, and nobody erases it here.
  return id ?? type
}

async function rotate(client: ReturnType<typeof copyClient>, signer: NoteSigner, next: NoteSigner): Promise<void> {
  if (next.verifier.name !== signer.verifier.name) {
    throw new AuditError(
      'KEY_INVALID',
      `The new key is called ${next.verifier.name}, and the log ${signer.verifier.name}. Make one of the same name.`,
    )
  }
  const isDone = await client
    .transaction(async (statements) => {
      const state = await takeLog(statements)
      if (!state) return false
      await assertLogKey(statements, signer, state.size)
      await keepReceipt(
        statements,
        { ...receiptHead(state.size), kind: 'key', key: next.verifier.text, previous: signer.verifier.text },
        signer,
        next,
      )
      return true
    })
    .catch((cause: unknown) => {
      // The sequencer ended its round between our first look and our lock.
      if (isLostRace(cause)) return false
      throw cause
    })
  if (isDone) return
  await new Promise((resolve) => setTimeout(resolve, 50))
  await rotate(client, signer, next)
}
