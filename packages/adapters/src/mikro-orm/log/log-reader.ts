import type { RowJson } from '@countersign/core'
import type { Digest, FullSubtree, LogHead, LogLeaf, LogRecord, LogSource } from '@countersign/core/evidence'
import { parseReceipt, storedLevels } from '@countersign/core/evidence'
import type { SqlClient } from '../sql-client.js'
import { digestOfHex, type StoredRow, storedRowColumns } from './log-leaves.js'
import { isCopy } from './log-state.js'
import { subtreeReader, subtreeRoots } from './stored-tree.js'

/** Which part of a log is read: leaves from `from` to before `to`; to the end unless told. */
export interface LogRange {
  readonly from?: number
  readonly to?: number
}

/** How far the log was when reading began: what comes later is not read, unless a receipt that is read has seen it. */
interface LogEnd {
  readonly origin: string
  readonly leaves: number
  /** The size of the last checkpoint. */
  readonly size: number
  readonly done: string
}

// Some pages are under way at a time: few leaves each, or they outlive the collections of young garbage.
const leavesAtOnce = 40
const rowsAtOnce = 500
const width = 2 ** storedLevels

/** Opens the log, or a part of it, to be verified or exported. Writers and the sequencer go on meanwhile. */
export async function openLog(client: SqlClient, { from = 0, to }: LogRange = {}): Promise<LogSource> {
  const end = await endOf(client)
  const last = Math.min(to ?? end.leaves, end.leaves)
  const read = subtreeReader(client)
  const head: LogHead = {
    origin: end.origin,
    from: Math.min(from, last),
    to: last < end.leaves ? last : null,
    left: (await subtreeRoots(0, Math.min(from, last), read)).map(({ hash }) => hash),
    right: last < end.leaves ? await subtreeRoots(last, end.size, read) : [],
  }
  return { head, records: () => new LogReading(client, head, end).records() }
}

const countedAnew = '3:3:'
const done = `case when ${isCopy} then '${countedAnew}' else done::text end`

async function endOf(client: SqlClient): Promise<LogEnd> {
  const [found] = await client.query<{ leaves: string; size: string; done: string; note: string | null }>(
    `select coalesce((select max(leaf_index) + 1 from audit_leaf), 0)::text as leaves,
      coalesce((select max(tree_size) from audit_checkpoint), 0)::text as size,
      (select ${done} from audit_log_state) as done,
      (select note from audit_receipt where kind = 'key' order by tree_size, id limit 1) as note`,
    [],
  )
  const { leaves = '0', size = '0', note = null } = found ?? {}
  return {
    origin: note?.split('\n')[1] ?? '',
    leaves: Number(leaves),
    size: Number(size),
    done: found?.done ?? countedAnew,
  }
}

/** What was read of the leaves up to one of them, which may all be missing. */
interface Page {
  readonly records: readonly LogRecord[]
  readonly to: number
  readonly isEmpty: boolean
}

interface LeafRecord extends StoredRow {
  readonly index: string
  readonly rowId: string
  readonly content: string
}

interface CheckpointRecord {
  readonly size: string
  readonly root: string
  readonly note: string
}

class LogReading {
  readonly #client: SqlClient
  readonly #head: LogHead
  readonly #end: LogEnd
  readonly #receipts = new Set<string>()
  /** The most leaves that one of the receipts says there were. */
  #witnessed = 0

  constructor(client: SqlClient, head: LogHead, end: LogEnd) {
    this.#client = client
    this.#head = head
    this.#end = end
  }

  async *records(): AsyncGenerator<readonly LogRecord[], void, undefined> {
    yield await this.#newReceipts()
    const { from, to } = this.#head
    if (to !== null) {
      yield* this.#pages(from, to)
      yield await this.#checkpoints(this.#end.size - 1, this.#end.size)
      return
    }
    let [read, last] = [from, this.#end.leaves]
    do {
      yield* this.#pages(read, last)
      read = last
      last = await this.#reached(read)
    } while (read < last)
    // Those that were there when reading began: beyond the last leaf where leaves were taken away.
    yield await this.#checkpoints(read, Math.max(read, this.#end.size))
    yield* this.#strays()
  }

  async *#pages(from: number, last: number): AsyncGenerator<readonly LogRecord[], void, undefined> {
    let coming = from < last ? this.#page(from, Math.min(from + leavesAtOnce, last)) : null
    while (coming) {
      const { records, to, isEmpty }: Page = await coming
      // Of a leaf with a number that none can have, nobody waits for all those before it.
      const next = isEmpty ? await this.#nextLeaf(to, last) : to
      // The next one is on its way while this one is worked on.
      coming = to < last ? this.#page(to, Math.min(next + leavesAtOnce, last)) : null
      coming?.catch(() => undefined)
      yield records
    }
  }

  async #nextLeaf(from: number, last: number): Promise<number> {
    const [found] = await this.#client.query<{ index: string | null }>(
      'select min(leaf_index)::text as index from audit_leaf where leaf_index >= $1 and leaf_index < $2',
      [from, last],
    )
    return Number(found?.index ?? last)
  }

  /** A receipt may be of a moment after reading began: then the log is read as far as it was at that moment. */
  async #reached(read: number): Promise<number> {
    if (this.#witnessed <= read) return read
    const [found] = await this.#client.query<{ size: string | null }>(
      `select min(tree_size)::text as size from audit_checkpoint
      where tree_size >= $1 and tree_size <= (select max(leaf_index) + 1 from audit_leaf)`,
      [this.#witnessed],
    )
    return Number(found?.size ?? read)
  }

  async #page(first: number, to: number): Promise<Page> {
    const [leaves, checkpoints, nodes] = [
      await this.#leaves(first, to),
      await this.#checkpoints(first === 0 ? Number.MIN_SAFE_INTEGER : first, to),
      await this.#nodes(first, to),
    ]
    // After the rows: what erased them meanwhile has its receipt.
    const receipts = await this.#newReceipts()
    const records = [...receipts, ...merged(leaves, [...nodes, ...checkpoints])]
    return { records, to, isEmpty: leaves.length === 0 }
  }

  async #leaves(from: number, to: number): Promise<LogLeaf[]> {
    const records = await this.#client.query<LeafRecord>(
      `select l.leaf_index::text as index, l.row_id as "rowId", encode(l.content, 'hex') as content,
        case when e.id is not null then ${storedRowColumns.replace(' as row,', ' end as row,')}
      from audit_leaf l left join audit_event e on e.id = l.row_id
      where l.leaf_index >= $1 and l.leaf_index < $2 order by l.leaf_index`,
      [from, to],
      'countersign-leaves',
    )
    return records.map((record) => new StoredLeaf(record))
  }

  async #checkpoints(after: number, upTo: number): Promise<LogRecord[]> {
    const records = await this.#client.query<CheckpointRecord>(
      `select tree_size::text as size, encode(root_hash, 'hex') as root, note from audit_checkpoint
      where tree_size > $1 and tree_size <= $2 order by tree_size`,
      [after, upTo],
      'countersign-checkpoints',
    )
    return records.map(({ size, root, note }) => ({
      checkpoint: { size: Number(size), root: digestOfHex(root), note },
    }))
  }

  /** The stored nodes whose last leaf is among these. */
  async #nodes(from: number, to: number): Promise<LogRecord[]> {
    const records: LogRecord[] = []
    if (this.#head.from > 0) return records
    for (let [level, span] = [storedLevels, width]; span <= to; [level, span] = [level + storedLevels, span * width]) {
      const [first, end] = [Math.floor(from / span), Math.floor(to / span)]
      if (first === end) continue
      const found = await this.#client.query<{ index: string; hash: string }>(
        `select node_index::text as index, encode(hash, 'hex') as hash from audit_node
        where level = $1 and node_index >= $2 and node_index < $3 order by node_index`,
        [level, first, end],
        'countersign-nodes',
      )
      for (const { index, hash } of found)
        records.push({ node: { level, index: Number(index), hash: digestOfHex(hash) } })
    }
    return records
  }

  async #newReceipts(): Promise<LogRecord[]> {
    const found = await this.#client.query<{ id: string; note: string }>(
      `select id, note from audit_receipt where not (id = any ($1::uuid[])) order by tree_size, id`,
      [[...this.#receipts]],
      'countersign-receipts',
    )
    for (const { id, note } of found) {
      this.#receipts.add(id)
      this.#witnessed = Math.max(this.#witnessed, parseReceipt(note)?.receipt.size ?? 0)
    }
    return found.map(({ note }) => ({ receipt: note }))
  }

  /**
   * Rows that the sequencer has passed, and that have no leaf all the same; one before the first is none. Nor will it
   * ever come to a row of a transaction that has not begun: where transactions are not counted anew, none is read.
   */
  async *#strays(): AsyncGenerator<readonly LogRecord[], void, undefined> {
    let after = '00000000-0000-0000-0000-000000000000'
    for (;;) {
      const found = await this.#client.query<{ id: string; stray: boolean }>(
        `select e.id, (pg_visible_in_snapshot(e.xact, $2::pg_snapshot) or ($4 and e.xact >= pg_snapshot_xmax(pg_current_snapshot())))
            and not exists (select from audit_leaf l where l.row_id = e.id and l.leaf_index >= 0) as stray
          from (select id, xact from audit_event where id > $1 order by id limit $3) e order by e.id`,
        [after, this.#end.done, rowsAtOnce, this.#end.done !== countedAnew],
      )
      const last = found.at(-1)
      if (!last) return
      yield found.filter(({ stray }) => stray).map(({ id }) => ({ stray: id }))
      after = last.id
    }
  }
}

/** A leaf as it was read: the row stays a text until somebody looks at it, which may be on another thread. */
class StoredLeaf implements LogLeaf {
  readonly index: number
  readonly rowId: string
  readonly content: Digest
  readonly rowText: string | null
  readonly salt: Buffer | null
  readonly personal: Digest | null
  #row: RowJson | null | undefined

  constructor({ index, rowId, content, row, salt, personal }: LeafRecord) {
    this.index = Number(index)
    this.rowId = rowId
    this.content = digestOfHex(content)
    this.rowText = row
    this.salt = salt === null ? null : Buffer.from(salt, 'hex')
    this.personal = digestOfHex(personal)
  }

  get row(): RowJson | null {
    if (this.#row === undefined) this.#row = this.rowText === null ? null : (JSON.parse(this.rowText) as RowJson)
    return this.#row
  }
}

/** Each checkpoint, and each node, after the last leaf that is below it. */
function merged(leaves: readonly LogLeaf[], others: readonly LogRecord[]): LogRecord[] {
  const waiting = [...others].sort((a, b) => sizeOf(a) - sizeOf(b))
  const records: LogRecord[] = []
  for (const leaf of leaves) {
    while (waiting.length > 0 && sizeOf(waiting[0] as LogRecord) <= leaf.index)
      records.push(waiting.shift() as LogRecord)
    records.push({ leaf })
  }
  return [...records, ...waiting]
}

/** How many leaves there are when it comes. */
function sizeOf(record: LogRecord): number {
  if ('checkpoint' in record) return record.checkpoint.size
  const { level, index } = ('node' in record ? record.node : { level: 0, index: 0 }) as FullSubtree
  return (index + 1) * 2 ** level
}
