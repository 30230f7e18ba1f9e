import { type AuditRow, GroupCommit } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { describe, expect, it } from 'vitest'

const rows = (count: number): AuditRow[] => Array.from({ length: count }, () => sampleRow())
const bad = sampleRow({ event: 'signup' })
const isRowFault = (cause: unknown): boolean => (cause as { row?: boolean }).row === true

describe('GroupCommit, when the store refuses', () => {
  const refusing =
    (stored: AuditRow[]) =>
    async (batch: readonly AuditRow[]): Promise<void> => {
      if (batch.includes(bad)) throw { row: true }
      stored.push(...batch)
    }

  it('answers every caller of a failed write with the failure', async () => {
    const away = new Error('store is away')
    const group = new GroupCommit(() => Promise.reject(away))
    const answers = await Promise.allSettled(rows(5).map((row) => group.add([row])))
    expect(answers.map((answer) => (answer as PromiseRejectedResult).reason)).toEqual(Array(5).fill(away))
  })

  it('survives a write that throws at once, and goes on', async () => {
    let away = true
    const group = new GroupCommit(() => {
      if (away) throw new Error('away')
      return Promise.resolve()
    })
    await expect(group.add(rows(1))).rejects.toThrow('away')
    away = false
    await group.add(rows(1))
    await group.drain()
  })

  it('does not let one bad row take its neighbours with it', async () => {
    const stored: AuditRow[] = []
    const group = new GroupCommit(refusing(stored), { isRowFault })
    const good = rows(4)
    const all = [...good.slice(0, 2), bad, ...good.slice(2)]
    const answers = await Promise.allSettled(all.map((row) => group.add([row])))
    expect(answers.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    expect(stored).toEqual(good)
  })

  it('does not let one bad row take the other rows of its own call with it', async () => {
    const stored: AuditRow[] = []
    const group = new GroupCommit(refusing(stored), { isRowFault })
    const [good] = rows(1) as [AuditRow]
    await expect(group.add([good, bad])).rejects.toMatchObject({ row: true })
    expect(stored).toEqual([good])
  })

  it('does not write a bad row again that came alone', async () => {
    let writes = 0
    const group = new GroupCommit(
      () => {
        writes++
        return Promise.reject({ row: true, write: writes })
      },
      { isRowFault },
    )
    await expect(group.add([bad])).rejects.toEqual({ row: true, write: 1 })
    expect(writes).toBe(1)
  })

  it('takes every fault for the store’s unless told: nothing is written twice', async () => {
    let writes = 0
    const group = new GroupCommit(() => Promise.reject({ row: true, write: ++writes }))
    const answers = await Promise.allSettled(rows(3).map((row) => group.add([row])))
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(writes).toBe(1)
  })

  it('does not write a part of it again when the store itself is the fault', async () => {
    let writes = 0
    const group = new GroupCommit(
      () => {
        writes++
        return Promise.reject(new Error('away'))
      },
      { isRowFault },
    )
    await Promise.allSettled(rows(5).map((row) => group.add([row])))
    expect(writes).toBe(1)
  })
})

describe('GroupCommit, when it looks for the row at fault', () => {
  it('halves the batch: twenty writes are enough for one of a thousand', async () => {
    let writes = 0
    const stored: AuditRow[] = []
    const group = new GroupCommit(
      async (batch) => {
        writes++
        if (batch.includes(bad)) throw { row: true }
        stored.push(...batch)
      },
      { isRowFault, inFlight: 1 },
    )
    const all = rows(999)
    all.splice(613, 0, bad)
    const answers = await Promise.allSettled(all.map((row) => group.add([row])))
    expect(answers.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []))).toEqual([613])
    expect(stored, 'in their order').toEqual(all.filter((row) => row !== bad))
    expect(writes).toBeLessThanOrEqual(1 + 2 * 10)
  })

  it('answers each caller of several bad rows with the fault of its own', async () => {
    const group = new GroupCommit(
      async (batch) => {
        const found = batch.find(({ outcome }) => outcome === 'denied')
        if (found) throw { row: true, id: found.id }
      },
      { isRowFault },
    )
    const all = [sampleRow({ outcome: 'denied' }), ...rows(5), sampleRow({ outcome: 'denied' })]
    const answers = await Promise.allSettled(all.map((row) => group.add([row])))
    expect(answers.map((answer) => (answer as PromiseRejectedResult).reason?.id)).toEqual(
      all.map(({ id, outcome }) => (outcome === 'denied' ? id : undefined)),
    )
  })

  it('stops where the store goes away meanwhile, and says so to whoever is not stored', async () => {
    const writes: number[] = []
    const stored: AuditRow[] = []
    const group = new GroupCommit(
      async (batch) => {
        writes.push(batch.length)
        if (writes.length === 3) throw new Error('away')
        if (batch.includes(bad)) throw { row: true }
        stored.push(...batch)
      },
      { isRowFault },
    )
    const all = [...rows(4), bad, ...rows(3)]
    const answers = await Promise.allSettled(all.map((row) => group.add([row])))
    expect(writes).toEqual([8, 4, 4])
    expect(stored).toEqual(all.slice(0, 4))
    expect(answers.map((answer) => (answer as PromiseRejectedResult).reason?.message)).toEqual([
      ...Array(4).fill(undefined),
      ...Array(4).fill('away'),
    ])
  })
})
