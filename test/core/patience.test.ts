import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type AuditRow, type AuditSink, createAuditTrail } from '@countersign/core'
import { afterEach, expect, it, vi } from 'vitest'
import { nextTurn } from '../support/recording.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const many = 10_000

afterEach(() => {
  vi.useRealTimers()
})

it('each write is given up when its own time is over, and no other write has to come for that', async () => {
  vi.useFakeTimers()
  const trail = createAuditTrail({
    sink: { name: 'hanging', write: () => new Promise(() => undefined) },
    patience: 100,
  })
  trail.signals.on('fault', () => undefined)
  const first = trail.record('login')
  await vi.advanceTimersByTimeAsync(50)
  const second = trail.record('login')
  await vi.advanceTimersByTimeAsync(49)
  expect(trail.counts.lost).toBe(0)
  await vi.advanceTimersByTimeAsync(2)
  expect(trail.counts.lost).toBe(1)
  await vi.advanceTimersByTimeAsync(48)
  expect(trail.counts.lost).toBe(1)
  await vi.advanceTimersByTimeAsync(2)
  expect(trail.counts.lost).toBe(2)
  await Promise.all([first, second])
})

/** A store that keeps nothing, and knows which of the rows it took somebody else still keeps. */
function forgetful() {
  const taken: Array<WeakRef<AuditRow>> = []
  let hold: (() => Promise<void>) | undefined
  const sink: AuditSink = {
    name: 'forgetful',
    write(rows) {
      taken.push(new WeakRef(rows[0] as AuditRow))
      return hold?.() ?? Promise.resolve()
    },
  }
  return {
    sink,
    /** What the writes that come now wait for. */
    holding(by?: () => Promise<void>): void {
      hold = by
    },
    async kept(): Promise<number> {
      await nextTurn()
      collect()
      return taken.filter((row) => row.deref()).length
    },
  }
}

it('of writes that ended little is kept, though one is always under way', async () => {
  const { sink, holding, kept } = forgetful()
  const trail = createAuditTrail({ sink, patience: 60_000 })
  let end = (): void => undefined
  let last = Promise.resolve()
  holding(() => new Promise((resolve) => (end = resolve)))
  for (let count = 0; count < many; count++) {
    const [endBefore, before] = [end, last]
    last = trail.record('login')
    endBefore()
    await before
  }
  expect(await kept()).toBeLessThan(many / 4)
  end()
  await last
  await trail.close()
})

it('of writes that ended nothing is kept when the one before them was given up, and one behind them hangs', async () => {
  const { sink, holding, kept } = forgetful()
  const trail = createAuditTrail({ sink, patience: 500 })
  trail.signals.on('fault', () => undefined)
  const never = () => new Promise<void>(() => undefined)
  holding(never)
  const first = trail.record('login')
  holding()
  for (let count = 0; count < many; count++) await trail.record('login')
  holding(never)
  const behind = trail.record('login')
  await first
  expect(await kept()).toBeLessThan(100)
  await behind
  expect(trail.counts).toEqual({ recorded: many, vetoed: 0, lost: 2 })
  await trail.close()
})
