import { type AuditRow, currentContext, type FloodLedger, type FloodOptions, runInContext } from '@countersign/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FloodBudget } from '../../packages/core/dist/flood-budget.js'
import { attemptsIn, denial, floodSystem, memoryFloods as floodsOf } from '../support/flood-system.js'
import { memoryLedger } from '../support/memory-ledger.js'

// Not the minute of the sweeps.
const window = 50_000
const tick = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds)
const memoryFloods = (options: FloodOptions = {}) => floodsOf({ window: window / 1000, ...options })
const many = (count: number): AuditRow[] => Array.from({ length: count }, () => denial())

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-03-04T05:06:07.000Z') })
})
afterEach(() => vi.useRealTimers())

describe('what was counted', () => {
  it('is in the ledger after the time to flush, and is put again only when there is more', async () => {
    const { deny, ledger } = memoryFloods({ flush: 250 })
    deny(...many(3))
    await tick(249)
    expect(ledger.calls).toEqual([])
    await tick(1)
    expect(ledger.calls).toEqual(['put'])
    await tick(5000)
    expect(ledger.calls).toEqual(['put'])
    deny(denial())
    await tick(250)
    expect(ledger.calls).toEqual(['put', 'put'])
  })

  it('is put at once when a flood has 1,000 repeats that the ledger has not', async () => {
    const { deny, ledger } = memoryFloods({ flush: 3_600_000 })
    deny(...many(1000))
    await tick(0)
    expect(ledger.calls).toEqual([])
    deny(...many(1))
    await tick(0)
    expect(ledger.calls).toEqual(['put'])
    deny(...many(1000))
    await tick(0)
    expect(ledger.calls).toEqual(['put', 'put'])
  })

  it('survives a process that dies: whoever sweeps makes the row, and tells of it', async () => {
    const { deny, ledger } = memoryFloods()
    deny(...many(40))
    await tick(250)
    deny(...many(2))
    vi.clearAllTimers()
    const other = floodSystem({}, ledger.sink, ledger)
    await tick(2 * 60_000)
    expect(ledger.calls.filter((call) => call === 'closeAbandoned')).toHaveLength(2)
    expect(other.announced).toEqual([])
    await tick(60_000)
    expect(other.announced).toMatchObject([{ repeatCount: 39 }])
    expect(other.announced.every((row) => Object.isFrozen(row) && Object.isFrozen(row.details))).toBe(true)
    expect(attemptsIn(ledger.sink.rows)).toBe(40)
    await other.budget.close()
  })

  it('goes where it goes in nobody’s request', async () => {
    const seen = new Map<string, unknown>()
    const look = (what: string) => (): void => void seen.set(what, currentContext().requestId ?? 'nobody')
    const memory = memoryLedger()
    const ledger: FloodLedger = {
      put: async (tallies) => memory.put(tallies).finally(look('put')),
      close: async (tallies) => memory.close(tallies).finally(look('close')),
      closeAbandoned: async (before) => memory.closeAbandoned(before).finally(look('closeAbandoned')),
    }
    const outlets = { ledger, deliver: look('deliver'), announce: look('announce'), report: look('report') }
    const request = { requestId: 'somebody' }
    const budget = new FloodBudget({}, outlets)
    memory.failures.push('refused')
    runInContext(request, () => budget.admit(many(1002)))
    await tick(2 * window)
    memory.failures.push('refused')
    runInContext(request, () => budget.admit(many(2)))
    await runInContext(request, () => budget.close())
    const all = ['put', 'close', 'closeAbandoned', 'deliver', 'announce', 'report']
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(all.map((what) => [what, 'nobody'])))
  })

  it('is settled also after rows that could not be handed over', async () => {
    const faults: string[] = []
    const delivered: AuditRow[] = []
    let isBroken = true
    const deliver = (rows: readonly AuditRow[]): void => {
      if (isBroken) throw new Error('broken')
      delivered.push(...rows)
    }
    const budget = new FloodBudget({}, { deliver, announce: () => undefined, report: (code) => faults.push(code) })
    budget.admit(many(3))
    await tick(60_000)
    isBroken = false
    budget.admit(many(5))
    await budget.close()
    expect(faults).toEqual(['LEDGER_FAILED'])
    expect(delivered).toMatchObject([{ repeatCount: 4 }])
  })

  it('keeps no process alive', async () => {
    vi.useRealTimers()
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    const { budget, deny } = memoryFloods()
    deny(...many(3))
    expect(timers()).toBe(before)
    await budget.close()
  })
})

describe('a ledger that fails', () => {
  it('is asked again until it works, and reported once', async () => {
    const { deny, ledger, faults } = memoryFloods()
    ledger.failures.push('refused', 'refused', undefined, 'refused')
    deny(...many(3))
    await tick(5000)
    expect(ledger.calls).toEqual(['put', 'put', 'put'])
    expect(faults).toEqual(['LEDGER_FAILED'])
    deny(denial())
    await tick(5000)
    expect(faults).toEqual(['LEDGER_FAILED', 'LEDGER_FAILED'])
    await tick(window)
    expect(attemptsIn(ledger.sink.rows)).toBe(4)
  })

  it('is asked no more often than once a second', async () => {
    const { deny, ledger } = memoryFloods()
    ledger.failures.push(...Array(60).fill('refused'))
    for (let second = 0; second < 10; second++) {
      deny(...many(1500))
      await tick(1000)
    }
    expect(ledger.calls.length).toBeLessThanOrEqual(11)
  })

  it('leaves the summary of a flood that it never got to the ordinary way, as the row that it would have made', async () => {
    const { deny, ledger, delivered } = memoryFloods({ flush: 3_600_000 })
    ledger.failures.push('unanswered')
    const rows = many(3)
    deny(...rows)
    await tick(window)
    expect(delivered).toMatchObject([{ id: rows[1]?.id, repeatCount: 2 }])
    expect(attemptsIn(ledger.sink.rows)).toBe(3)
  })

  it('is asked once for all that is to be closed while it takes its time to fail', async () => {
    const { budget, deny, ledger, delivered } = memoryFloods({ window: 1, flush: 3_600_000 })
    const closing: Array<(cause: Error) => void> = []
    vi.spyOn(ledger, 'close').mockImplementation(() => new Promise((_, reject) => closing.push(reject)))
    for (let second = 0; second < 30; second++) {
      for (let key = 0; key < 100; key++) deny(denial({ tenant: `t-${key}` }), denial({ tenant: `t-${key}` }))
      await tick(1000)
    }
    expect(closing).toHaveLength(1)
    closing[0]?.(new Error('at last'))
    await tick(0)
    expect(closing).toHaveLength(1)
    expect(attemptsIn(delivered)).toBe(3000)
    expect(budget.collapsed).toBe(0)
  })

  it('is not sent a flood again that was closed while it took its time to fail', async () => {
    const { deny, ledger, delivered } = memoryFloods({ window: 1 })
    const puts: Array<(cause: Error) => void> = []
    vi.spyOn(ledger, 'put').mockImplementation(() => new Promise((_, reject) => puts.push(reject)))
    deny(...many(3))
    await tick(2000)
    puts[0]?.(new Error('at last'))
    await tick(30_000)
    expect(puts).toHaveLength(1)
    expect(delivered).toEqual([])
    expect(attemptsIn(ledger.sink.rows)).toBe(3)
  })

  it('leaves only what it is not known to have, as a row of its own, and the rest to who sweeps', async () => {
    const { budget, deny, ledger, delivered, announced } = memoryFloods()
    const rows = many(10)
    deny(...rows)
    await tick(window - 1)
    deny(...many(4))
    ledger.failures.push('refused')
    await tick(1)
    expect(delivered).toMatchObject([{ repeatCount: 4 }])
    expect(delivered[0]?.id).not.toBe(rows[1]?.id)
    expect(budget.collapsed).toBe(0)
    await tick(4 * window)
    expect(announced).toMatchObject([{ id: rows[1]?.id, repeatCount: 9 }])
    expect(attemptsIn(ledger.sink.rows)).toBe(14)
  })

  it('may count twice what it was sent and has not acknowledged, and never loses it', async () => {
    const { deny, ledger } = memoryFloods({ window: 1, flush: 600 })
    ledger.failures.push('unanswered', 'refused')
    deny(...many(10))
    await tick(600)
    deny(...many(5))
    await tick(400)
    expect(ledger.calls).toEqual(['put', 'close'])
    await tick(4 * window)
    expect(attemptsIn(ledger.sink.rows)).toBe(15 + 9)
  })

  it('has nothing left to deliver where it is known to have everything', async () => {
    const { deny, ledger, delivered } = memoryFloods()
    deny(...many(10))
    await tick(window - 1)
    ledger.failures.push('refused')
    await tick(1)
    expect(delivered).toEqual([])
    await tick(4 * window)
    expect(attemptsIn(ledger.sink.rows)).toBe(10)
  })
})

describe('a flood that somebody else closed', () => {
  it('leaves a row of what was counted since', async () => {
    const { deny, ledger, delivered, announced } = memoryFloods()
    deny(...many(10))
    await tick(250)
    const [swept] = await ledger.closeAbandoned(new Date(Date.now() + 2 * window))
    deny(...many(5))
    await tick(window)
    expect(swept).toMatchObject({ repeatCount: 9 })
    expect(delivered).toMatchObject([{ repeatCount: 5 }])
    expect(delivered[0]?.id).not.toBe(swept?.id)
    expect(announced).toEqual([])
    expect(attemptsIn(ledger.sink.rows)).toBe(15)
  })
})
