import { expect } from 'vitest'
import type { Asked, Kind } from './outage-load.js'
import type { OutageServer } from './outage-server.js'

interface StoredRow {
  readonly id: string
  readonly requestId: string
  readonly event: string
  readonly outcome: string
  /** Grows with each transaction. */
  readonly transaction: number
}

const outcomes: Readonly<Record<Kind, string>> = {
  awaited: 'success',
  deferred: 'success',
  denied: 'denied',
  joined: 'success',
  open: 'success',
}

/** What the database holds after an outage, against what clients were told. */
export class Account {
  readonly rows: readonly StoredRow[]
  readonly #asked: readonly Asked[]
  readonly #changed: ReadonlySet<string>

  private constructor(rows: readonly StoredRow[], asked: readonly Asked[], changed: ReadonlySet<string>) {
    this.rows = rows
    this.#asked = asked
    this.#changed = changed
  }

  static async of(server: Pick<OutageServer, 'ask'>, asked: readonly Asked[]): Promise<Account> {
    const found = await server.ask(
      "select id, coalesce(request_id, ''), event, outcome, xmin::text::bigint::float8 from audit_event order by id",
    )
    const rows = found.map(
      ([id, requestId, event, outcome, transaction]) =>
        ({ id, requestId, event, outcome, transaction }) as unknown as StoredRow,
    )
    const changed = new Set((await server.ask('select id from business')).map(([id]) => String(id)))
    return new Account(rows, asked, changed)
  }

  /** Everything that is wrong: nothing, where each attempt has its row. */
  get wrongs(): string[] {
    const rowsOf = Map.groupBy(this.rows, ({ requestId }) => requestId)
    const known = new Set(this.#asked.map(({ id }) => id))
    const unknown = [...rowsOf.keys()].filter((id) => id !== '' && !known.has(id))
    const wrongs = this.#asked.flatMap((asked) => {
      const said = (rowsOf.get(asked.id) ?? []).map(({ outcome }) => outcome).sort()
      const expected = this.#expected(asked)
      return expected.includes(said.join()) ? [] : [`${asked.kind} ${asked.status}: ${said.join() || 'no row'}`]
    })
    return [...wrongs, ...unknown.map((id) => `nobody asked ${id}`)]
  }

  /** Joined attempts that were answered with 503, and whose commit arrived all the same. */
  get unsure(): number {
    return this.#asked.filter(({ id, kind, status }) => kind === 'joined' && status !== 200 && this.#changed.has(id))
      .length
  }

  count(event: string): number {
    return this.rows.filter((row) => row.event === event).length
  }

  /** The transactions that stored these rows, in the order of the rows. */
  transactionsOf(ids: readonly string[]): number[] {
    const known = new Map(this.rows.map(({ id, transaction }) => [id, transaction]))
    return ids.map((id) => known.get(id) ?? Number.NaN)
  }

  /** The outcomes of the rows that an attempt may have left, each a list. */
  #expected({ id, kind, status }: Asked): string[] {
    if (kind !== 'joined') return [outcomes[kind]]
    if (status === 200) return this.#changed.has(id) ? ['success'] : ['both or neither']
    // Where the answer to a commit was lost, both may be there; an attempt has one row all the same.
    return [this.#changed.has(id) ? 'success' : 'failure']
  }
}

/** Waits until the store has all that the spool held. */
export async function caughtUp({ trail }: Pick<OutageServer, 'trail'>): Promise<void> {
  await expect.poll(() => trail.health, { timeout: 30_000 }).toMatchObject({ reachable: true, spooledRows: 0 })
  await trail.settled()
}

/** True for numbers that never become less. */
export function isAscending(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || (numbers[index - 1] as number) <= number)
}
