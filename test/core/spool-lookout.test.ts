import { setImmediate } from 'node:timers/promises'
import { createAuditTrail, memorySink } from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'
import { idsOf, sampleRows } from '../support/spools.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => vi.useRealTimers())

async function after(minutes: number, isSo: () => boolean): Promise<void> {
  await vi.advanceTimersByTimeAsync(minutes * 60_000)
  for (let turns = 0; turns < 10_000 && !isSo(); turns++) await setImmediate()
}

it('a trail at rest ships what another process left that ended after it began, within two minutes, again and again', async () => {
  const folder = freshFolder()
  const sink = memorySink()
  const trail = createAuditTrail({ sink, spool: fileSpool({ folder }) })
  await trail.settled()
  const left = sampleRows(4)
  for (const count of [2, 4]) {
    const other = fileSpool({ folder })
    await other.append(left.slice(count - 2, count))
    await after(2, () => sink.rows.length === count)
    expect(sink.rows, 'its process lives').toHaveLength(count - 2)
    await other.close()
    await after(2, () => sink.rows.length === count)
    expect(idsOf(sink.rows)).toEqual(idsOf(left.slice(0, count)))
  }
  await trail.close()
})

it('a trail that is closed looks for nothing any more', async () => {
  const trail = createAuditTrail({ sink: memorySink(), spool: fileSpool({ folder: freshFolder() }) })
  await trail.settled()
  expect(vi.getTimerCount()).toBe(1)
  await trail.close()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(vi.getTimerCount()).toBe(0)
})
