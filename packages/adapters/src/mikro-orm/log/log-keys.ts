import { AuditError, rowId } from '@countersign/core'
import { type NoteSigner, parseReceipt, type Receipt, signReceipt } from '@countersign/core/evidence'
import type { Statements } from '../sql-client.js'

const insert = 'insert into audit_receipt (id, kind, tree_size, note) values ($1, $2, $3, $4)'

/** Signs a receipt and keeps it. */
export async function keepReceipt(
  statements: Statements,
  receipt: Receipt,
  ...signers: readonly [NoteSigner, ...NoteSigner[]]
): Promise<string> {
  const note = signReceipt(signers[0].verifier.name, receipt, ...signers)
  await statements.query(insert, [receipt.id, receipt.kind, receipt.size, note])
  return note
}

/** What every receipt begins with. */
export function receiptHead(size: number): { id: string; at: string; size: number } {
  return { id: rowId(), at: new Date().toISOString(), size }
}

/**
 * Makes sure that this is the key that signs the log; the first one that comes begins it. In a transaction that
 * took the log.
 *
 * @throws AuditError `CHECKPOINT_KEY_WRONG`
 */
export async function assertLogKey(statements: Statements, signer: NoteSigner, size: number): Promise<void> {
  const current = await currentKey(statements)
  if (current === signer.verifier.text) return
  if (current !== null) {
    throw new AuditError(
      'CHECKPOINT_KEY_WRONG',
      `The log in this database is signed by ${current}, and this process has ${signer.verifier.text}. Give all processes the same CHECKPOINT_KEY, or change it with: countersign key rotate`,
    )
  }
  await keepReceipt(
    statements,
    { ...receiptHead(size), kind: 'key', key: signer.verifier.text, previous: null },
    signer,
  )
}

/** The public key that signs the log now; null where none does yet. */
async function currentKey(statements: Pick<Statements, 'query'>): Promise<string | null> {
  const [last] = await statements.query<{ note: string }>(
    `select note from audit_receipt where kind = 'key' order by tree_size desc, id desc limit 1`,
    [],
  )
  const receipt = last && parseReceipt(last.note)?.receipt
  return receipt?.kind === 'key' ? receipt.key : null
}
