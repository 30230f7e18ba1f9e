import { setImmediate as turn } from 'node:timers/promises'
import {
  type CompactTree,
  type Digest,
  type FullSubtree,
  leafOf,
  type NoteSigner,
  signCheckpoint,
} from '@countersign/core/evidence'
import type { LogClient, Statements } from '../sql-client.js'
import { JoinedRows } from './joined-row.js'
import { assertLogKey } from './log-keys.js'
import { contentOfRow, copyBytes } from './log-leaves.js'
import { keepLog, type LogState, takeLog, treeOf } from './log-state.js'
import { rowAsJson, type UnsequencedRow, unsequencedRows } from './unsequenced-rows.js'

/** What a round did. */
export interface Round {
  /** False where another process has the log. */
  readonly mine: boolean
  readonly leaves: number
  /** Whether rows are left that could have their leaf already. */
  readonly more: boolean
}

const rowsAtOnce = 1000
const rowsInTurn = 100
const rowsInRound = 20_000

/** Gives rows their leaves, and signs a checkpoint of them: all in one transaction. */
export function sequencingRound(client: LogClient, signer: NoteSigner): Promise<Round> {
  return client.transaction(async (statements) => {
    const state = await takeLog(statements)
    if (!state) return { mine: false, leaves: 0, more: false }
    await assertLogKey(statements, signer, state.size)
    return new SequencingRound(statements, signer, state).run()
  })
}

class SequencingRound {
  readonly #statements: Statements
  readonly #signer: NoteSigner
  readonly #before: LogState
  readonly #joined = new JoinedRows()
  #state: LogState

  constructor(statements: Statements, signer: NoteSigner, state: LogState) {
    this.#statements = statements
    this.#signer = signer
    this.#before = state
    this.#state = state
  }

  async run(): Promise<Round> {
    const { tree, completed } = treeOf(this.#before)
    let rows = await this.#next()
    let lines = ''
    let more = true
    for (let goesOn = true; goesOn; ) {
      more = rows.length === rowsAtOnce
      goesOn = more && tree.size + rows.length - this.#before.size < rowsInRound
      this.#advance(rows.at(-1), more)
      // The database writes the leaves before, and looks for the rows after, while these are worked on.
      const coming = this.#store(lines).then(() => (goesOn ? this.#next() : []))
      coming.catch(() => undefined)
      lines = await this.#leafLines(tree, rows)
      rows = await coming
    }
    await this.#store(lines)
    const leaves = tree.size - this.#before.size
    this.#state = { ...this.#state, size: tree.size, roots: tree.roots }
    if (leaves > 0) await this.#seal(tree.root(), completed)
    // Nothing to say is not written down: an idle log costs nothing.
    if (leaves > 0 || this.#before.target !== null || this.#before.restoring)
      await keepLog(this.#statements, this.#state)
    return { mine: true, leaves, more }
  }

  #next(): Promise<UnsequencedRow[]> {
    return unsequencedRows(this.#statements, this.#state, rowsAtOnce)
  }

  async #store(lines: string): Promise<void> {
    if (lines !== '') await this.#statements.copy('audit_leaf (leaf_index, row_id, content)', lines)
  }

  /** The leaves of rows as `copy` takes them. A server in the same process goes on answering meanwhile. */
  async #leafLines(tree: CompactTree, rows: readonly UnsequencedRow[]): Promise<string> {
    let lines = ''
    for (const [index, row] of rows.entries()) {
      if (index % rowsInTurn === 0) await turn()
      const content =
        this.#joined.contentOf(tree.size, row) ?? contentOfRow(tree.size, await rowAsJson(this.#statements, row.id))
      lines += `${tree.size}\t${row.id}\t${copyBytes(content)}\n`
      tree.append(leafOf(row.id, content))
    }
    return lines
  }

  #advance(last: UnsequencedRow | undefined, more: boolean): void {
    const { target, now } = this.#state
    if (more && last) {
      this.#state = { ...this.#state, target: target ?? now, afterXact: last.xact, afterId: last.id }
      return
    }
    this.#state = {
      ...this.#state,
      ...{ done: target ?? now, target: null, restoring: false },
      ...{ afterXact: '0', afterId: '00000000-0000-0000-0000-000000000000' },
    }
  }

  async #seal(root: Digest, completed: readonly FullSubtree[]): Promise<void> {
    const nodes = completed.map(({ level, index, hash }) => `${level}\t${index}\t${copyBytes(hash)}\n`).join('')
    if (nodes !== '') await this.#statements.copy('audit_node (level, node_index, hash)', nodes)
    const { size } = this.#state
    const { name: origin } = this.#signer.verifier
    const previous = await this.#lastCheckpoint()
    const note = signCheckpoint({ origin, size, root, previous }, this.#signer)
    await this.#statements.query(
      `insert into audit_checkpoint (tree_size, root_hash, note) values ($1, decode($2, 'hex'), $3)`,
      [size, Buffer.from(root, 'latin1').toString('hex'), note],
    )
  }

  async #lastCheckpoint(): Promise<number> {
    const [last] = await this.#statements.query<{ size: string }>(
      'select max(tree_size)::text as size from audit_checkpoint',
      [],
    )
    return Number(last?.size ?? 0)
  }
}
