import {
  type AuditLog,
  auditLog,
  type LogOperations,
  type LogRange,
  logOperations,
  logSequencer,
  mikroOrmSink,
  type Sequencer,
} from '@countersign/adapters/mikro-orm'
import { type AuditTrail, createAuditTrail, rowId } from '@countersign/core'
import {
  type CheckpointAnchor,
  type NoteSigner,
  newSigningKey,
  noteSigner,
  readBundle,
  type VerifyOptions,
  type VerifyReport,
  verifyLog,
  writeBundle,
} from '@countersign/core/evidence'
import { afterAll, beforeAll } from 'vitest'
import { type AuditStore, ownStore } from './audit-stores.js'
import type { TestDatabase } from './databases.js'

export const origin = 'test.example.org/audit'

/** A store with its log. */
export interface TestLog extends AuditStore {
  readonly signer: NoteSigner
  readonly trail: AuditTrail
  readonly sequencer: Sequencer
  readonly log: AuditLog
  readonly operations: LogOperations
  execute(statement: string): Promise<any[]>
}

/** A store with its log, for the tests of one suite; its sequencer works when it is told to. */
export function ownLog(
  open: () => Promise<TestDatabase>,
  anchors: readonly CheckpointAnchor[] = [],
  signer: NoteSigner = noteSigner(newSigningKey(origin)),
): () => TestLog {
  const store = ownStore(open)
  let own: TestLog
  beforeAll(() => {
    const { orm } = store().database
    const trail = createAuditTrail({ sink: mikroOrmSink(orm) })
    own = {
      ...store(),
      signer,
      trail,
      sequencer: logSequencer(orm, { signer }),
      log: auditLog(orm),
      operations: logOperations(orm, { trail, signer, anchors }),
      execute: (statement) => orm.em.getDriver().getConnection().execute(statement),
    }
  })
  afterAll(async () => {
    await own.trail.close()
    await own.sequencer.stop()
    await own.log.close()
    await own.operations.close()
  })
  return () => own
}

/** An id as a row of that moment would have it. */
export function idAt(moment: string): string {
  const time = Date.parse(moment).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}${rowId().slice(13)}`
}

/** A log, or a part of it, as the text of a bundle. */
export async function bundleOf(log: AuditLog, range?: LogRange): Promise<string> {
  let text = ''
  for await (const piece of writeBundle(await log.open(range))) text += piece
  return text
}

export async function verifyBundleText(text: string | Uint8Array, options?: VerifyOptions): Promise<VerifyReport> {
  return verifyLog(await readBundle(once(Buffer.from(text as string))), options)
}

/** Bytes as a stream of one piece. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
