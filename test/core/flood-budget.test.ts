import { type AuditRow, memorySink } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FloodBudget } from '../../packages/core/dist/flood-budget.js'
import { attemptsIn, denial, floodSystem, memoryFloods } from '../support/flood-system.js'

const window = 60_000
const tick = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds)

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-03-04T05:06:07.000Z') })
})
afterEach(() => vi.useRealTimers())

describe('the budget of a flood', () => {
  it('lets the first denial through at once, and makes one row of its repeats when the window closes', async () => {
    const { deny, ledger, announced } = memoryFloods()
    const [first, second, third] = [denial(), denial(), denial()]
    expect(deny(first)).toEqual([{ ...first, repeatCount: 1, firstAt: first.occurredAt, lastAt: first.occurredAt }])
    await tick(20_000)
    expect(deny({ ...second, occurredAt: new Date() })).toEqual([])
    const secondAt = new Date()
    await tick(20_000)
    expect(deny({ ...third, occurredAt: new Date() })).toEqual([])
    const thirdAt = new Date()
    expect(ledger.sink.rows).toHaveLength(1)

    await tick(20_000)
    const summary = {
      ...second,
      occurredAt: secondAt,
      requestId: null,
      durationMs: 0,
      retryAfter: null,
      details: {},
      repeatCount: 2,
      firstAt: secondAt,
      lastAt: thirdAt,
    }
    expect(ledger.sink.rows.slice(1)).toEqual([summary])
    expect(announced).toEqual([summary])
  })

  it('gives back the very rows where none is a denial, also those that a transform has counted', () => {
    const { budget } = memoryFloods()
    const rows = [sampleRow({ outcome: 'success' }), sampleRow(), denial({ repeatCount: 12 })]
    for (let round = 0; round < 3; round++) expect(budget.admit(rows)).toBe(rows)
    expect(budget.collapsed).toBe(0)
  })

  it('keeps the other rows of a call, in their order', () => {
    const { budget } = memoryFloods()
    budget.admit([denial()])
    const [success, failure] = [sampleRow({ outcome: 'success' }), sampleRow()]
    expect(budget.admit([success, denial(), failure])).toEqual([success, failure])
  })

  it('leaves a denial alone in its window one row, which counts once', async () => {
    const { deny, ledger } = memoryFloods()
    deny(denial())
    await tick(window)
    expect(ledger.sink.rows.map(({ repeatCount }) => repeatCount)).toEqual([1])
    expect(ledger.calls).not.toContain('close')
  })

  it('records as many at once as the budget says, in each window anew', async () => {
    const { deny, ledger } = memoryFloods({ budget: 3, window: 10 })
    for (let round = 0; round < 2; round++) {
      for (let attempt = 0; attempt < 8; attempt++) deny(denial())
      await tick(10_000)
    }
    expect(ledger.sink.rows.map(({ repeatCount }) => repeatCount)).toEqual([1, 1, 1, 5, 1, 1, 1, 5])
  })

  it('begins a new window with a denial that comes before the timer of the old one', async () => {
    const { deny, ledger } = memoryFloods()
    deny(denial(), denial())
    vi.setSystemTime(Date.now() + window)
    expect(deny(denial(), denial())).toHaveLength(1)
    await tick(window)
    expect(ledger.sink.rows.map(({ repeatCount }) => repeatCount).sort()).toEqual([1, 1, 1, 1])
  })

  it('closes a window that opened in the future, because the clock was set back', async () => {
    const { deny, ledger } = memoryFloods()
    deny(denial(), denial())
    vi.setSystemTime(Date.now() - 3_600_000)
    await tick(window)
    expect(attemptsIn(ledger.sink.rows)).toBe(2)
  })

  const otherwise: Array<Partial<AuditRow>> = [
    { event: 'signup' },
    { reason: 'locked_out' },
    { scope: 'signup' },
    { className: 'Other' },
    { methodName: 'other' },
    { tenant: 'other' },
    { address: '198.51.100.9' },
    { attempted: { hash: 'other', masked: '***' } },
    { actor: { type: 'user' } },
    { actor: { type: 'anonymous', id: 'u-2' } },
    { subject: { type: 'user', id: 'another victim' } },
    { subject: { type: 'another kind', id: 'i-1' } },
    { subject: null },
  ]
  it.each(otherwise)('takes a denial that differs by %o for another one', (changes) => {
    const { deny } = memoryFloods()
    deny(denial())
    expect(deny(denial(changes))).toHaveLength(1)
    expect(deny(denial(changes), denial())).toEqual([])
  })

  it('says of a flood only what is true of every repeat', async () => {
    const { deny, ledger } = memoryFloods()
    const actor = { type: 'user', id: 'u-1' } as const
    const various: Array<Partial<AuditRow>> = [
      { actor: { ...actor, label: 'Ada' } },
      { actor: { ...actor, label: 'Ada' } },
      { actor: { ...actor, label: 'Ada L.' }, userAgent: 'curl/8', device: null, sessionId: 'other', route: '/other' },
      { actor, proxies: [{ address: '10.0.0.2', trusted: true }], limit: 20, status: 403 },
    ]
    deny(...various.map((changes) => denial(changes)))
    await tick(window)
    const summary = ledger.sink.rows.at(-1) as AuditRow
    expect(summary).toMatchObject({ actor, address: '192.0.2.7', httpMethod: 'POST', scope: 'login', repeatCount: 3 })
    expect(summary.actor).not.toHaveProperty('label')
    const { userAgent, device, sessionId, route, proxies, limit, status } = summary
    expect([userAgent, device, sessionId, route, proxies, limit, status]).toEqual(Array(7).fill(null))
    expect(summary.subject).toEqual(denial().subject)
  })

  it('says when the first and the last repeat happened, in whatever order they ended', async () => {
    const { deny, announced } = memoryFloods()
    const at = (second: number): Date => new Date(Date.parse('2026-03-04T05:06:00.000Z') + second * 1000)
    deny(...[7, 5, 3, 6, 4].map((second) => denial({ occurredAt: at(second) })))
    await tick(window)
    expect(announced).toMatchObject([{ firstAt: at(3), lastAt: at(6), repeatCount: 4 }])
  })

  it('freezes what it makes, as a trail does', async () => {
    const { deny, announced } = memoryFloods()
    const [first] = deny(denial(), denial())
    await tick(window)
    for (const row of [first, announced[0]]) expect(Object.isFrozen(row)).toBe(true)
    expect(Object.isFrozen(announced[0]?.details)).toBe(true)
  })

  it('counts what waits for a summary, and writes all summaries when it is closed', async () => {
    const { budget, deny, ledger } = memoryFloods({ window: 3600 })
    deny(denial(), denial(), denial())
    deny(denial({ tenant: 'other' }), denial({ tenant: 'other' }))
    expect(budget.collapsed).toBe(3)
    await budget.close()
    expect(budget.collapsed).toBe(0)
    expect(ledger.sink.rows.map(({ repeatCount }) => repeatCount)).toEqual([1, 1, 2, 1])
    const late = [denial()]
    expect(budget.admit(late)).toBe(late)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('delivers summaries as ordinary rows where there is no ledger', async () => {
    const sink = memorySink()
    const { deny, delivered, faults } = floodSystem({}, sink)
    const rows = [denial(), denial(), denial()]
    deny(...rows)
    await tick(window)
    expect(delivered).toMatchObject([{ id: rows[1]?.id, repeatCount: 2 }])
    expect(attemptsIn(sink.rows)).toBe(3)
    expect(faults).toEqual([])
  })
})

describe('a flood from many', () => {
  it('is one that names nobody beyond as many keys as are told apart', async () => {
    const { budget, deny, ledger } = memoryFloods({ maxKeys: 100 })
    const from = (index: number): AuditRow =>
      denial({ address: `198.51.100.${index % 200}`, attempted: { hash: `h-${index}`, masked: '***' } })
    for (let index = 0; index < 5000; index++) deny(from(index))
    expect(ledger.sink.rows).toHaveLength(101)
    expect(budget.collapsed).toBe(4899)
    await tick(window)
    const summary = ledger.sink.rows.at(-1)
    expect(summary).toMatchObject({ event: 'login', reason: 'throttled', scope: 'login', repeatCount: 4899 })
    expect(summary).toMatchObject({ className: 'SessionController', methodName: 'login', actor: { type: 'anonymous' } })
    const { address, attempted, subject, sessionId, tenant, onBehalfOf, proxies, userAgent, device } =
      summary as AuditRow
    expect([address, attempted, subject, sessionId, tenant, onBehalfOf, proxies, userAgent, device]).toEqual(
      Array(9).fill(null),
    )
    expect(attemptsIn(ledger.sink.rows)).toBe(5000)
  })

  it('tells keys apart again when windows have closed', async () => {
    const { deny } = memoryFloods({ maxKeys: 1 })
    deny(denial(), denial({ tenant: 'other' }))
    await tick(window)
    expect(deny(denial({ tenant: 'third' }), denial({ tenant: 'third' }))).toMatchObject([{ tenant: 'third' }])
  })

  it('keeps a row each where even the kinds of denial have no end', async () => {
    const { budget, deny, ledger } = memoryFloods({ maxKeys: 1 })
    for (let index = 0; index < 1101; index++) deny(denial({ reason: `reason_${index}` }))
    for (let index = 0; index < 1101; index++) deny(denial({ reason: `reason_${index}` }))
    expect(budget.collapsed).toBe(1001)
    await tick(window)
    expect(attemptsIn(ledger.sink.rows)).toBe(2202)
  })
})

describe('the settings of floods', () => {
  const outlets = { deliver: () => undefined, announce: () => undefined, report: () => undefined }
  it.each([
    { window: 0 },
    { window: 86_401 },
    { window: Number.NaN },
    { window: '60' as never },
    { budget: 0 },
    { budget: 1.5 },
    { flush: 0 },
    { flush: 2 ** 31 },
    { maxKeys: 0 },
    { maxKeys: Number.POSITIVE_INFINITY },
  ])('are refused where they make no sense: %o', (options) => {
    const [name] = Object.keys(options)
    const message = expect.stringMatching(new RegExp(`^floods\\.${name} must be .+, and was `))
    expect(() => new FloodBudget(options, outlets)).toThrow(
      expect.objectContaining({ code: 'SETTING_INVALID', message }),
    )
  })

  it('take the longest window and the shortest', async () => {
    for (const window of [0.001, 86_400]) await new FloodBudget({ window }, outlets).close()
  })
})
