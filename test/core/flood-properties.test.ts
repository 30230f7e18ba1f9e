import { type AuditRow, memorySink, rowId } from '@countersign/core'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { attemptsIn, denial, floodSystem, memoryFloods } from '../support/flood-system.js'
import type { Failure } from '../support/memory-ledger.js'

const runs = 300
const day = 86_400_000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

type Step =
  | { readonly deny: number; readonly times: number }
  | { readonly tick: number }
  | { readonly failures: ReadonlyArray<Failure | undefined> }

/** Denials of few keys, time that passes, and calls of the ledger that fail. */
function stepsWith(...failures: readonly Failure[]): fc.Arbitrary<Step[]> {
  const failure = fc.constantFrom<Failure | undefined>(undefined, ...failures)
  return fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ deny: fc.nat(4), times: fc.integer({ min: 1, max: 30 }) }) },
      { weight: 3, arbitrary: fc.record({ tick: fc.constantFrom(1, 100, 250, 400, 1000, 3000, 10_000) }) },
      { weight: 1, arbitrary: fc.record({ failures: fc.array(failure, { minLength: 1, maxLength: 4 }) }) },
    ),
    { maxLength: 40 },
  )
}

const settings = fc.record({
  window: fc.constantFrom(0.2, 1, 5),
  budget: fc.integer({ min: 1, max: 4 }),
  flush: fc.constantFrom(50, 250, 2000),
  maxKeys: fc.constantFrom(2, 10),
})

const keyOf = ({ tenant }: AuditRow): string | null => tenant

/** Does what the steps say; answers with how many attempts were denied, by key. */
async function perform(steps: readonly Step[], system: ReturnType<typeof memoryFloods>): Promise<Map<string, number>> {
  const attempts = new Map<string, number>()
  for (const step of steps) {
    if ('tick' in step) await vi.advanceTimersByTimeAsync(step.tick)
    else if ('failures' in step) system.ledger.failures.push(...step.failures)
    else {
      const tenant = `tenant-${step.deny}`
      for (let time = 0; time < step.times; time++) system.deny(denial({ id: rowId(), tenant }))
      attempts.set(tenant, (attempts.get(tenant) ?? 0) + step.times)
    }
  }
  return attempts
}

const sumOf = (attempts: Map<string, number>): number => [...attempts.values()].reduce((sum, count) => sum + count, 0)

/** What the ledger still has becomes rows. */
async function sweep({ ledger }: ReturnType<typeof memoryFloods>): Promise<void> {
  ledger.failures.length = 0
  await ledger.closeAbandoned(new Date(Date.now() + day))
}

it('what is stored and what is counted are the attempts, whenever nothing is under way', async () => {
  await fc.assert(
    fc.asyncProperty(settings, stepsWith(), async (options, steps) => {
      const system = memoryFloods(options)
      const attempts = sumOf(await perform(steps, system))
      await vi.advanceTimersByTimeAsync(0)
      expect(attemptsIn(system.ledger.sink.rows) + system.budget.collapsed).toBe(attempts)
      await system.budget.close()
      expect(attemptsIn(system.ledger.sink.rows)).toBe(attempts)
    }),
    { numRuns: runs },
  )
})

it('the rows of every key count its attempts, while keys are told apart', async () => {
  await fc.assert(
    fc.asyncProperty(settings, stepsWith(), async (options, steps) => {
      const system = memoryFloods({ ...options, maxKeys: 10 })
      const attempts = await perform(steps, system)
      await system.budget.close()
      for (const [key, count] of attempts) {
        const rows = system.ledger.sink.rows.filter((row) => keyOf(row) === key)
        expect(attemptsIn(rows)).toBe(count)
        for (const { firstAt, lastAt } of rows) expect(Number(firstAt)).toBeLessThanOrEqual(Number(lastAt))
      }
    }),
    { numRuns: runs },
  )
})

it('nothing is lost or doubled when the ledger refuses some of what it is asked', async () => {
  await fc.assert(
    fc.asyncProperty(settings, stepsWith('refused'), async (options, steps) => {
      const system = memoryFloods(options)
      const attempts = sumOf(await perform(steps, system))
      await system.budget.close()
      await sweep(system)
      expect(attemptsIn(system.ledger.sink.rows)).toBe(attempts)
    }),
    { numRuns: runs },
  )
})

it('nothing is lost when the answers of the ledger are', async () => {
  await fc.assert(
    fc.asyncProperty(settings, stepsWith('refused', 'unanswered'), async (options, steps) => {
      const system = memoryFloods(options)
      const attempts = sumOf(await perform(steps, system))
      await system.budget.close()
      await sweep(system)
      expect(attemptsIn(system.ledger.sink.rows)).toBeGreaterThanOrEqual(attempts)
    }),
    { numRuns: runs },
  )
})

it('a crash costs no more than what was counted since the last flush', async () => {
  await fc.assert(
    fc.asyncProperty(settings, stepsWith(), stepsWith(), async (options, before, since) => {
      const system = memoryFloods(options)
      const known = sumOf(await perform(before, system))
      await vi.advanceTimersByTimeAsync(options.flush)
      const unknown = sumOf(await perform(since, system))
      vi.clearAllTimers()
      await sweep(system)
      const counted = attemptsIn(system.ledger.sink.rows)
      expect(counted).toBeGreaterThanOrEqual(known)
      expect(counted).toBeLessThanOrEqual(known + unknown)
    }),
    { numRuns: runs },
  )
})

it('without a ledger, the rows are the attempts when the budget is closed', async () => {
  await fc.assert(
    fc.asyncProperty(settings, fc.array(fc.nat(6), { maxLength: 200 }), async (options, keys) => {
      const sink = memorySink()
      const { budget, deny } = floodSystem(options, sink)
      for (const key of keys) {
        deny(denial({ tenant: `tenant-${key}` }))
        await vi.advanceTimersByTimeAsync(key * 20)
      }
      await budget.close()
      expect(attemptsIn(sink.rows)).toBe(keys.length)
    }),
    { numRuns: runs },
  )
})
