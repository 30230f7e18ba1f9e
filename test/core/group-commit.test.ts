import { type AuditRow, GroupCommit, type GroupCommitOptions } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { describe, expect, it } from 'vitest'
import { nextTurn, sleep } from '../support/recording.js'

/** A store that is told when to finish each write. */
function store(options: GroupCommitOptions = {}) {
  const writes: Array<{ ids: string[]; finish: () => void; fail: (cause: unknown) => void }> = []
  const group = new GroupCommit(
    (rows: readonly AuditRow[]) =>
      new Promise((finish, fail) => {
        writes.push({ ids: rows.map(({ id }) => id), finish, fail })
      }),
    options,
  )
  return { group, writes }
}

const rows = (count: number): AuditRow[] => Array.from({ length: count }, () => sampleRow())
const ids = (of: readonly AuditRow[]): string[] => of.map(({ id }) => id)

describe('GroupCommit', () => {
  it('does not let a lone row wait for company', async () => {
    const { group, writes } = store()
    const [row] = rows(1)
    const added = group.add([row as AuditRow])
    await nextTurn()
    expect(writes).toHaveLength(1)
    writes[0]?.finish()
    await added
  })

  it('lets callers of one turn share a write', async () => {
    const { group, writes } = store()
    const all = rows(20)
    const added = all.map((row) => group.add([row]))
    await nextTurn()
    expect(writes.map(({ ids }) => ids)).toEqual([ids(all)])
    writes[0]?.finish()
    await Promise.all(added)
  })

  it('lets callers who come while the writers are busy go out together with the next write', async () => {
    const { group, writes } = store({ inFlight: 2 })
    const all = rows(12)
    const added: Array<Promise<void>> = []
    for (const row of all) {
      added.push(group.add([row]))
      await nextTurn()
    }
    expect(
      writes.map(({ ids }) => ids.length),
      'two under way, the rest waits',
    ).toEqual([1, 1])
    writes[0]?.finish()
    await nextTurn()
    await nextTurn()
    expect(writes.map(({ ids }) => ids.length)).toEqual([1, 1, 10])
    for (const { finish } of writes) finish()
    await Promise.all(added)
  })

  it('never has more writes under way than it may', async () => {
    let underWay = 0
    let most = 0
    const group = new GroupCommit(
      async () => {
        most = Math.max(most, ++underWay)
        await sleep(1)
        underWay--
      },
      { inFlight: 3, maxBatch: 2 },
    )
    await Promise.all(rows(60).map((row) => group.add([row])))
    expect(most).toBe(3)
  })

  it('keeps the rows of one caller together and within the batch, and the order of all', async () => {
    const written: string[][] = []
    const group = new GroupCommit(
      async (batch) => {
        written.push(ids(batch))
      },
      { inFlight: 1, maxBatch: 5 },
    )
    const callers = [rows(2), rows(2), rows(2), rows(1), rows(7)]
    await Promise.all(callers.map((caller) => group.add(caller)))
    expect(written.flat()).toEqual(callers.flatMap(ids))
    expect(
      written.map(({ length }) => length),
      'only what one caller brought exceeds it',
    ).toEqual([4, 3, 7])
  })

  it('fills a batch to the last row', async () => {
    const written: number[] = []
    const group = new GroupCommit(async ({ length }) => void written.push(length), { inFlight: 1, maxBatch: 4 })
    await Promise.all([rows(2), rows(2), rows(4), rows(1)].map((caller) => group.add(caller)))
    expect(written).toEqual([4, 4, 1])
  })

  it('has two writes under way, of a thousand rows each, unless told', async () => {
    const { group, writes } = store()
    const added = rows(2001).map((row) => group.add([row]))
    await nextTurn()
    expect(writes.map(({ ids }) => ids.length)).toEqual([1000, 1000])
    writes[0]?.finish()
    writes[1]?.finish()
    await nextTurn()
    await nextTurn()
    expect(writes.at(-1)?.ids).toHaveLength(1)
    writes.at(-1)?.finish()
    await Promise.all(added)
  })

  it('lets a hundred thousand rows wait unless told, and no more', async () => {
    const { group, writes } = store()
    const row = sampleRow()
    const all = group.add(Array.from({ length: 100_000 }, () => row))
    await expect(group.add([row])).rejects.toMatchObject({ code: 'SINK_OVERLOADED' })
    await nextTurn()
    writes[0]?.finish()
    await all
  })

  it('refuses what would exceed the queue, and takes rows again when it is shorter', async () => {
    const { group, writes } = store({ maxQueue: 3, inFlight: 1 })
    const first = group.add(rows(1))
    await nextTurn()
    const waiting = group.add(rows(3))
    await expect(group.add(rows(1))).rejects.toMatchObject({ code: 'SINK_OVERLOADED' })
    writes[0]?.finish()
    await first
    await nextTurn()
    const later = group.add(rows(1))
    writes[1]?.finish()
    await waiting
    await nextTurn()
    writes[2]?.finish()
    await later
  })
})

describe('GroupCommit, asked what it does', () => {
  it('counts what waits and what is being written, until it is answered', async () => {
    const { group, writes } = store({ inFlight: 1 })
    expect(group.waiting).toBe(0)
    const first = group.add(rows(2))
    expect(group.waiting).toBe(2)
    await nextTurn()
    const second = group.add(rows(3))
    expect(group.waiting).toBe(5)
    writes[0]?.finish()
    await first
    expect(group.waiting).toBe(3)
    await nextTurn()
    writes[1]?.fail(new Error('x'))
    await expect(second).rejects.toThrow('x')
    expect(group.waiting).toBe(0)
  })

  it('tells of every write that succeeded: how many rows, and how long it took', async () => {
    const told: Array<[number, number]> = []
    const { group, writes } = store({ inFlight: 1 })
    group.onBatch((...batch) => told.push(batch))
    const added = Promise.all([group.add(rows(2)), group.add(rows(1))])
    await nextTurn()
    await sleep(5)
    expect(told).toEqual([])
    writes[0]?.finish()
    await added
    expect(told).toEqual([[3, expect.closeTo(0.005, 0)]])
    const failing = group.add(rows(1))
    await nextTurn()
    writes[1]?.fail(new Error('x'))
    await expect(failing).rejects.toThrow('x')
    expect(told).toHaveLength(1)
  })

  it('does not let a listener that fails make a write fail, and drops it', async () => {
    const warned = new Promise((resolve) => process.once('warning', resolve))
    let told = 0
    const group = new GroupCommit(async () => undefined)
    group.onBatch(() => {
      told++
      throw new Error('no')
    })
    await group.add(rows(1))
    await group.add(rows(1))
    expect(told).toBe(1)
    expect(await warned).toMatchObject({ code: 'STEP_FAILED' })
  })
})

describe('GroupCommit.close', () => {
  it('resolves when what came before is written, and refuses what comes later', async () => {
    const { group, writes } = store()
    const before = group.add(rows(1))
    let closed = false
    const closing = group.close().then(() => {
      closed = true
    })
    await expect(group.add(rows(1))).rejects.toMatchObject({ code: 'SINK_CLOSED' })
    await nextTurn()
    expect([closed, writes.length]).toEqual([false, 1])
    writes[0]?.finish()
    await before
    await closing
    await group.close()
  })
})

it('GroupCommit writes nothing for no rows', async () => {
  const { group, writes } = store()
  await group.add([])
  await nextTurn()
  expect(writes).toEqual([])
})

describe('GroupCommit.drain', () => {
  it('resolves at once when there is nothing to do', async () => {
    await store().group.drain()
  })

  it('waits for what nobody has begun to write', async () => {
    const { group, writes } = store()
    const added = group.add(rows(1))
    let drained = false
    const draining = group.drain().then(() => {
      drained = true
    })
    await nextTurn()
    expect(writes).toHaveLength(1)
    expect(drained).toBe(false)
    writes[0]?.finish()
    await Promise.all([added, draining])
  })

  it('waits for every write under way, though nothing waits behind them', async () => {
    const { group, writes } = store({ inFlight: 2, maxBatch: 1 })
    const [first, second] = rows(2).map((row) => group.add([row]))
    await nextTurn()
    expect(writes).toHaveLength(2)
    let drained = false
    const draining = group.drain().then(() => {
      drained = true
    })
    writes[0]?.finish()
    await first
    await nextTurn()
    expect(drained).toBe(false)
    writes[1]?.finish()
    await Promise.all([second, draining])
  })

  it('waits for what waits and for what is being written', async () => {
    const { group, writes } = store({ inFlight: 1 })
    const first = group.add(rows(1))
    await nextTurn()
    const second = group.add(rows(1))
    let drained = false
    const draining = Promise.all([group.drain(), group.drain()]).then(() => {
      drained = true
    })
    writes[0]?.finish()
    await first
    await nextTurn()
    expect(drained).toBe(false)
    writes[1]?.fail(new Error('x'))
    await expect(second).rejects.toThrow('x')
    await draining
  })
})
