import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type AuditRow, type AuditSink, createAuditTrail } from '@countersign/core'
import { expect, it } from 'vitest'
import { nextTurn } from '../support/recording.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const many = 10_000

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
