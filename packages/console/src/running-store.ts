import { auditLog, logOperations, logRequests, logSequencer, sqlExecutor } from '@countersign/adapters/mikro-orm'
import { auditJobs, type RetentionPolicy } from '@countersign/adapters/pg-boss'
import { AuditError, type AuditTrail } from '@countersign/core'
import type { CheckpointAnchor, NoteSigner } from '@countersign/core/evidence'
import type { MikroORM } from '@mikro-orm/core'
import type { OpenStore } from './command.js'

/** The parts of a running system that commands work with. */
export interface CommandSystem {
  readonly orm: MikroORM
  /** Records what commands do, and finds rows by what was typed. */
  readonly trail: Pick<AuditTrail, 'record' | 'identifierHash'>
  /** False for a trail without a key: then rows are not found by what was typed. */
  readonly hasTrailKey?: boolean
  /** The key of the log. Without it the log can be read, verified and exported, and nothing else. */
  readonly signer?: NoteSigner | null
  /** What a verification holds the log against. */
  readonly anchors?: readonly CheckpointAnchor[]
  /** How long rows are kept, where this process sees to it. */
  readonly retention?: RetentionPolicy
}

/** A store for the time of one command. */
export interface RunningStore extends OpenStore {
  close(): Promise<void>
}

export function runningStore(system: CommandSystem): RunningStore {
  const { orm, trail, signer = null, anchors = [], hasTrailKey = true, retention } = system
  const closing: Array<() => Promise<void>> = []
  const store: RunningStore = {
    trail,
    signer,
    hasTrailKey,
    operations(more = []) {
      const operations = logOperations(orm, { trail, ...(signer && { signer }), anchors: [...anchors, ...more] })
      closing.push(() => operations.close())
      return operations
    },
    log() {
      const log = auditLog(orm)
      closing.push(() => log.close())
      return log
    },
    sequencer(options) {
      if (!signer)
        throw new AuditError('CHECKPOINT_KEY_MISSING', 'A log needs a key: set CHECKPOINT_KEY or CHECKPOINT_KEY_FILE.')
      const sequencer = logSequencer(orm, { ...options, signer })
      closing.push(() => sequencer.stop())
      return sequencer
    },
    jobs() {
      const database = sqlExecutor(orm)
      const requests = logRequests(orm, {
        ...{ trail, approval: false },
        enqueue: (id, transaction, alone) => jobs.enqueue(id, transaction, alone),
      })
      const jobs = auditJobs({
        ...{ database, requests: requests.worker(store.operations()) },
        ...(retention && { schedules: { retention } }),
      })
      closing.unshift(() => jobs.stop())
      closing.push(
        () => requests.close(),
        () => database.close(),
      )
      return jobs
    },
    async close() {
      for (const close of closing.splice(0)) await close()
    },
  }
  return store
}
