import { AuditError, type RowJson, rowId, type Subject, timeOfRowId } from '@countersign/core'
import type { Digest, ErasureReceipt, NoteSigner } from '@countersign/core/evidence'
import type { LogClient, Statements } from '../sql-client.js'
import { assertLogKey, keepReceipt, receiptHead } from './log-keys.js'
import { copyBytes, personalOf } from './log-leaves.js'
import { eraseAssignments } from './personal-columns.js'
import { rowJsonColumn } from './row-json-column.js'

/** Whose personal fields are erased: a person's, or all that are old enough. */
export type ErasureScope =
  | {
      readonly subject: Subject /** Hashes of what this person typed into login forms. */
      readonly attempted?: readonly string[]
    }
  | { readonly before: Date }

/** What was erased. */
export interface Erasure {
  /** The signed receipt, and its id. */
  readonly id: string
  readonly receipt: string
  readonly rows: number
  /** Rows that a legal hold kept from it. */
  readonly held: number
}

/** Told how many rows of how many are done. */
export type ErasureProgress = (done: number, of: number) => Promise<void> | void

interface Where {
  readonly condition: string
  readonly values: readonly unknown[]
  readonly before: Date
}

const rowsAtOnce = 500
// A note must stay one that every verifier reads.
const mostNamed = 10_000

const isHeld = `exists (select from audit_hold h where h.released_at is null
  and e.id >= audit_first_id(h.from_at) and e.id < audit_first_id(h.to_at))`

/**
 * Empties the personal fields of rows. First the receipt is kept, which allows it; then it is done, some rows at a
 * time: what breaks off in between is lawful, and can be asked for again.
 */
export async function erase(
  client: LogClient,
  signer: NoteSigner,
  scope: ErasureScope,
  onProgress: ErasureProgress = () => undefined,
): Promise<Erasure> {
  const where = whereOf(scope)
  const allowed = await client.transaction((statements) => allow(statements, signer, scope, where))
  let rows = 0
  for (let after = firstId; ; ) {
    const last = await client.transaction((statements) => eraseSome(statements, where, { ...allowed, after }))
    rows += last.rows
    await onProgress(rows, allowed.rows)
    if (last.after === null) break
    after = last.after
  }
  return { id: allowed.id, receipt: allowed.receipt, rows, held: allowed.held }
}

const firstId = '00000000-0000-0000-0000-000000000000'

function whereOf(scope: ErasureScope): Where {
  if ('before' in scope) return { condition: 'true', values: [], before: scope.before }
  const { type, id } = scope.subject
  return {
    condition: `((e.actor_id = $2 and e.actor_type = $3) or (e.subject_id = $2 and e.subject_type = $3)
      or (e.on_behalf_of->>'id' = $2 and e.on_behalf_of->>'type' = $3) or e.attempted_hash = any ($4::text[]))`,
    values: [id, type, scope.attempted ?? []],
    // After every row that this process has made, also in this millisecond.
    before: new Date(timeOfRowId(rowId()) + 1),
  }
}

/** Before anything is read: of a hold that is placed meanwhile, this transaction would see nothing. */
async function holdsStandStill(statements: Statements): Promise<void> {
  await statements.query('lock table audit_hold in share mode', [])
}

interface Allowed {
  readonly id: string
  readonly receipt: string
  readonly rows: number
  readonly held: number
}

async function allow(statements: Statements, signer: NoteSigner, scope: ErasureScope, where: Where): Promise<Allowed> {
  const { condition, values, before } = where
  await holdsStandStill(statements)
  const [found] = await statements.query<{ rows: number; held: number; size: string; before: string }>(
    `select count(*) filter (where not ${isHeld})::int as rows, count(*) filter (where ${isHeld})::int as held,
      (select tree_size::text from audit_log_state) as size, audit_first_id($1)::text as before
    from audit_event e where e.id < audit_first_id($1) and e.erased_at is null and ${condition}`,
    [before, ...values],
  )
  const { rows = 0, held = 0, size = '0', before: bound = firstId } = found ?? {}
  await assertLogKey(statements, signer, Number(size))
  const subject = 'subject' in scope ? scope.subject : null
  const named = subject ? await namedRows(statements, where) : []
  const head = receiptHead(Number(size))
  const receipt: ErasureReceipt = {
    ...head,
    kind: 'erasure',
    ...{ rows, held, before: bound, row_ids: named },
    subject: subject && { type: subject.type, id: subject.id },
  }
  return { id: head.id, receipt: await keepReceipt(statements, receipt, signer), rows, held }
}

/** Rows that say by none of their facts that they are this person's. */
async function namedRows(statements: Statements, { condition, values, before }: Where): Promise<string[]> {
  const found = await statements.query<{ id: string }>(
    `select e.id from audit_event e where e.id < audit_first_id($1) and e.erased_at is null and ${condition} and not ${isHeld}
      and not coalesce((e.actor_id = $2 and e.actor_type = $3) or (e.subject_id = $2 and e.subject_type = $3), false)
    order by e.id limit ${mostNamed + 1}`,
    [before, ...values],
  )
  if (found.length > mostNamed) {
    throw new AuditError(
      'ERASURE_TOO_LARGE',
      `More than ${mostNamed} rows name this person by a typed identifier alone, which one receipt can't list. Erase them by age first, or give fewer identifiers.`,
    )
  }
  return found.map(({ id }) => id)
}

interface Erased {
  readonly rows: number
  /** The last id that was looked at; null at the end. */
  readonly after: string | null
}

async function eraseSome(
  statements: Statements,
  { condition, values, before }: Where,
  { id: receiptId, after }: { readonly id: string; readonly after: string },
): Promise<Erased> {
  const position = values.length + 2
  await holdsStandStill(statements)
  const found = await statements.query<{ id: string; row: string; salt: string | null }>(
    `select e.id, ${rowJsonColumn} as row, encode(e.salt, 'hex') as salt from audit_event e
    where e.id < audit_first_id($1) and e.erased_at is null and ${condition} and not ${isHeld} and e.id > $${position}
    order by e.id limit ${rowsAtOnce}`,
    [before, ...values, after],
  )
  const lines = found.flatMap(({ id, row, salt }) => {
    const personal = personalOf(JSON.parse(row) as RowJson, salt)
    // A row without its salt was tampered with: erased, nobody could see that any more.
    return personal === null ? [] : [{ id, line: lineOf(id, personal, receiptId) }]
  })
  if (lines.length > 0) {
    await statements.query("select set_config('countersign.erasing', 'on', true)", [])
    await statements.copy('audit_erased (row_id, personal, receipt_id)', lines.map(({ line }) => line).join(''))
    await statements.query(`update audit_event set ${eraseAssignments} where id = any ($1::uuid[])`, [
      lines.map(({ id }) => id),
    ])
  }
  return { rows: lines.length, after: found.length === rowsAtOnce ? (found.at(-1)?.id ?? null) : null }
}

function lineOf(id: string, personal: Digest, receiptId: string): string {
  return `${id}\t${copyBytes(personal)}\t${receiptId}\n`
}
