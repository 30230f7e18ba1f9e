import assert from 'node:assert/strict'
import { AuditError } from '../audit-error.js'
import type { AuditRow } from '../row.js'
import type { AuditSpool } from '../spool.js'
import type { ConformanceCase } from './conformance-case.js'
import { sampleRow } from './sample-row.js'

/**
 * Opens the spool under test; what an earlier one left is in it. `maxBytes` is how much may wait,
 * where it is given.
 */
export type OpenSpool = (maxBytes?: number) => AuditSpool

/**
 * What every spool must do. Each case opens the spool, leaves it empty and closes it.
 *
 * @example
 * const open = (maxBytes = 2 ** 20) => fileSpool({ folder: 'spool', maxBytes })
 * for (const { title, run } of spoolCases(open)) it(title, run)
 */
export function spoolCases(open: OpenSpool): ConformanceCase[] {
  return [...replayCases(open), ...appendCases(open), ...closingCases(open)]
}

/** Everything that waits, taken out in batches. */
async function drained(spool: AuditSpool, limit = 100): Promise<AuditRow[]> {
  const found: AuditRow[] = []
  for (let batch = await spool.next(limit); batch; batch = await spool.next(limit)) {
    found.push(...batch.rows)
    await batch.done()
  }
  return found
}

async function used(open: OpenSpool, use: (spool: AuditSpool) => Promise<void>, maxBytes?: number): Promise<void> {
  const spool = open(maxBytes)
  try {
    await use(spool)
    await drained(spool)
  } finally {
    await spool.close()
  }
}

function rows(count: number): AuditRow[] {
  return Array.from({ length: count }, () => sampleRow())
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof AuditError && error.code === code
}

function replayCases(open: OpenSpool): ConformanceCase[] {
  return [
    {
      title: 'gives every row back as it was, in the order in which they were appended',
      run: () =>
        used(open, async (spool) => {
          const hostile = sampleRow({
            route: '"}\r\n\u2028\u0085\u001b[2J\ud83e\udd8a',
            details: { constructor: [null] } as object,
          })
          const given = [...rows(3), hostile, ...rows(1)]
          for (const row of given) await spool.append([row])
          assert.deepEqual(await drained(spool), given)
        }),
    },
    {
      title: 'gives as many rows as it is asked for, and the same ones again until they are done',
      run: () =>
        used(open, async (spool) => {
          const given = rows(5)
          await spool.append(given)
          assert.deepEqual((await spool.next(2))?.rows, given.slice(0, 2))
          const batch = await spool.next(2)
          assert.deepEqual(batch?.rows, given.slice(0, 2))
          await batch?.done()
          assert.deepEqual((await spool.next(2))?.rows, given.slice(2, 4))
        }),
    },
    {
      title: 'takes a batch out once however often it is done',
      run: () =>
        used(open, async (spool) => {
          const given = rows(4)
          await spool.append(given)
          const batch = await spool.next(2)
          await batch?.done()
          await batch?.done()
          assert.deepEqual(await drained(spool), given.slice(2))
        }),
    },
    {
      title: 'has nothing to give where nothing waits',
      run: () =>
        used(open, async (spool) => {
          await spool.append([])
          assert.equal(await spool.next(10), null)
        }),
    },
    {
      title: 'gives no row back that was set aside',
      run: () =>
        used(open, async (spool) => {
          await spool.setAside(sampleRow(), new Error('The store refuses it.'))
          assert.equal(await spool.next(10), null)
        }),
    },
  ]
}

function appendCases(open: OpenSpool): ConformanceCase[] {
  return [
    {
      title: 'has every row of many concurrent callers once, each caller’s in their order',
      run: () =>
        used(open, async (spool) => {
          const given = Array.from({ length: 100 }, () => rows(3))
          await Promise.all(given.map((few) => spool.append(few)))
          const found = (await drained(spool, 70)).map(({ id }) => id)
          assert.equal(found.length, 300)
          for (const few of given) {
            const first = found.indexOf(few[0]?.id ?? '')
            assert.deepEqual(
              found.slice(first, first + 3),
              few.map(({ id }) => id),
            )
          }
        }),
    },
    {
      title: 'says how much waits',
      run: () =>
        used(open, async (spool) => {
          assert.deepEqual(spool.size, { rows: 0, bytes: 0 })
          await spool.append(rows(3))
          const { bytes } = spool.size
          assert.equal(spool.size.rows, 3)
          assert.ok(bytes > 0)
          await (await spool.next(1))?.done()
          assert.equal(spool.size.rows, 2)
          assert.ok(spool.size.bytes < bytes)
          await drained(spool)
          assert.deepEqual(spool.size, { rows: 0, bytes: 0 })
        }),
    },
    {
      title:
        'refuses what is beyond its bound with SPOOL_FULL and keeps what is in it; there is room again when it was replayed',
      run: () =>
        used(
          open,
          async (spool) => {
            const [row, late] = [sampleRow(), sampleRow()]
            await spool.append([row])
            await assert.rejects(spool.append(rows(20)), hasCode('SPOOL_FULL'))
            assert.equal(spool.size.rows, 1)
            assert.deepEqual(await drained(spool), [row])
            await spool.append([late])
            assert.deepEqual(await drained(spool), [late])
          },
          8000,
        ),
    },
  ]
}

function closingCases(open: OpenSpool): ConformanceCase[] {
  return [
    {
      title: 'has what waits when it is opened again, and not what was done',
      run: async () => {
        const given = rows(5)
        const first = open()
        await first.append(given)
        await (await first.next(2))?.done()
        await first.close()
        await used(open, async (spool) => {
          assert.equal(spool.size.rows, 3)
          assert.deepEqual(await drained(spool), given.slice(2))
        })
      },
    },
    {
      title: 'has what came before it was closed, refuses what comes later with SPOOL_FAILED, and can be closed twice',
      run: async () => {
        const [row, late] = [sampleRow(), sampleRow()]
        const first = open()
        const appended = first.append([row])
        await first.close()
        await appended
        await assert.rejects(first.append([late]), hasCode('SPOOL_FAILED'))
        assert.equal(await first.next(1), null)
        await first.close()
        await used(open, async (spool) => assert.deepEqual(await drained(spool), [row]))
      },
    },
  ]
}
