import { type AuditRow, runInContext } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sealRow } from '../../packages/core/dist/seal-row.js'
import { nextTurn, onlyRow, recording } from '../support/recording.js'

const token = `eyJhbGciOiJFZERTQSJ9.${'c'.repeat(20)}.${'s'.repeat(20)}`
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const unsafe = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/

/** The row of a login that a transform changed as told. */
async function changedBy(changes: object): Promise<AuditRow> {
  const recorded = recording({ transform: (row) => ({ ...row, ...changes }) })
  await recorded.trail.record('login')
  expect(recorded.faults).toEqual([])
  return onlyRow(recorded)
}

const texts = [
  ...['reason', 'className', 'methodName', 'tenant', 'sessionId', 'requestId', 'userAgent', 'httpMethod', 'route'],
  'scope',
] as const

describe('a row that a transform changed', () => {
  it.each(texts)('has no secret, no control character and no novel for its %s', async (field) => {
    expect((await changedBy({ [field]: token }))[field]).not.toContain(token)
    expect((await changedBy({ [field]: 'a\nb\u202e' }))[field]).toBe('a\ufffdb\ufffd')
    expect((await changedBy({ [field]: 'x'.repeat(9999) }))[field]?.length).toBeLessThanOrEqual(512)
    expect((await changedBy({ [field]: { toString: 1 } }))[field]).toBeNull()
  })

  it.each(['192.0.2.7\n', 'localhost', token, 7, {}])('has no address where %j came back', async (address) => {
    const proxies = [{ address, trusted: true }, { address: '10.0.0.1', trusted: 'yes', note: token }, null]
    const row = await changedBy({ address, proxies })
    expect(row.address).toBeNull()
    expect(row.proxies).toEqual([{ address: '10.0.0.1', trusted: false }])
  })

  it('keeps an address that is one', async () => {
    expect((await changedBy({ address: '2001:db8::7' })).address).toBe('2001:db8::7')
  })

  it('has the identifier masked and the device named in short, clean texts', async () => {
    const row = await changedBy({
      attempted: { hash: 'h\n', masked: `${'m'.repeat(500)}\u0000`, raw: 'hunter2' },
      device: { browser: token, os: 'Li\nnux', type: 'x'.repeat(500), raw: 'hunter2' },
    })
    expect(row.attempted?.hash).toBe('h\ufffd')
    expect(row.attempted?.masked).toHaveLength(100)
    expect(row.device).toMatchObject({ browser: '[redacted]', os: 'Li\ufffdnux' })
    expect(row.device?.type).toHaveLength(100)
    expect(JSON.stringify(row)).not.toContain('hunter2')
  })

  it('keeps what it was where the new outcome, severity, actor, number or date is none', async () => {
    const row = await changedBy({
      outcome: 'maybe',
      severity: 'awful',
      actor: { type: 'root', id: 'u-1' },
      eventVersion: 'two',
      status: 99_999,
      durationMs: Number.NaN,
      limit: 1.5,
      firstAt: 'yesterday',
    })
    expect(row).toMatchObject({
      outcome: 'success',
      severity: 'informational',
      actor: { type: 'anonymous', id: 'u-1' },
      eventVersion: 1,
      status: null,
      limit: null,
      firstAt: null,
    })
    expect(row.durationMs).toBeGreaterThanOrEqual(0)
  })

  it('has what makes sense of the new outcome, severity, actor, number or date', async () => {
    const moments = [1, 2, 3].map((time) => new Date(time))
    const changes = {
      ...{ outcome: 'denied', severity: 'critical', eventVersion: 32_767, status: 32_767, durationMs: 7.5 },
      ...{ limit: 2_147_483_647, retryAfter: 0, repeatCount: 12, actor: { type: 'service', id: 's-1' } },
      ...{ onBehalfOf: { type: 'user', id: 'u-1' }, subject: { type: 'user', id: 'u-2' }, address: '192.0.2.7' },
      ...{ firstAt: moments[0], lastAt: moments[1], erasedAt: moments[2], details: { method: 'password' } },
      ...{ proxies: [{ address: '10.0.0.1', trusted: true }], device: { os: 'Linux' } },
    }
    expect(await changedBy(changes)).toMatchObject(changes)
  })

  it.each(['informational', 'low', 'medium', 'high', 'critical'])('may be of severity %s', (severity) => {
    const from = sampleRow({ severity: severity === 'high' ? 'low' : 'high' })
    expect(sealRow(from, { ...from, severity: severity as 'low' }).severity).toBe(severity)
  })

  it.each(['user', 'service', 'anonymous'])('may be by a %s', async (type) => {
    const from = sampleRow({ actor: { type: type === 'service' ? 'user' : 'service', id: 'a-1' } })
    expect(sealRow(from, { ...from, actor: { type: type as 'user', id: 'a-2' } }).actor).toEqual({ type, id: 'a-2' })
  })

  it.each(['success', 'failure', 'denied'])('may have ended in %s', async (outcome) => {
    expect((await changedBy({ outcome })).outcome).toBe(outcome)
  })

  it.each([-1, 1.5, '7', 32_768, {}, undefined])(
    'has the version and the status that it had for %j',
    async (number) => {
      expect(await changedBy({ eventVersion: number, status: number })).toMatchObject({ eventVersion: 1, status: null })
    },
  )

  it.each([-1, 2_147_483_648, 1.5])('has the limit and the count that it had for %j', async (number) => {
    const changes = { limit: number, retryAfter: number, repeatCount: number }
    expect(await changedBy(changes)).toMatchObject({ limit: null, retryAfter: null, repeatCount: null })
  })

  it('has no number, no date and nobody where null came back, but always a version and a duration', async () => {
    const from = sampleRow({ limit: 5, retryAfter: 7, repeatCount: 3, firstAt: new Date(1), lastAt: new Date(2) })
    const gone = Object.fromEntries(Object.keys(from).map((field) => [field, null]))
    const sealed = sealRow(from, gone as never)
    const kept = ['id', 'occurredAt', 'event', 'eventVersion', 'outcome', 'severity', 'durationMs'] as const
    for (const field of kept) expect([field, sealed[field]]).toEqual([field, from[field]])
    expect(sealed).toMatchObject({ actor: { type: 'anonymous' }, details: {} })
    const rest = Object.entries(sealed).filter(([field]) => !(kept as readonly string[]).includes(field))
    expect(rest.filter(([field, value]) => value !== null && field !== 'actor' && field !== 'details')).toEqual([])
  })

  it('keeps the numbers, dates and actors that it had where others came back that are none', async () => {
    const numbers = { status: 401, limit: 5, retryAfter: 7, repeatCount: 3, eventVersion: 2, durationMs: 1.5 }
    const dates = { firstAt: new Date(1), lastAt: new Date(2), erasedAt: new Date(3) }
    const actors = { actor: { type: 'service' }, onBehalfOf: { type: 'anonymous' } } as const
    const from = sampleRow({ ...numbers, ...dates, ...actors })
    const none = (fields: object) => Object.fromEntries(Object.keys(fields).map((field) => [field, 'none']))
    const invalid = Object.fromEntries(Object.keys(dates).map((field) => [field, new Date(Number.NaN)]))
    expect(sealRow(from, { ...from, ...none(numbers), ...none(dates) } as never)).toMatchObject({
      ...numbers,
      ...dates,
    })
    expect(sealRow(from, { ...from, ...invalid } as never)).toMatchObject(dates)
    const unnamed = { actor: { id: 'a' }, onBehalfOf: { id: 'b' } }
    expect(sealRow(from, { ...from, ...unnamed } as never)).toMatchObject({
      actor: { type: 'service', id: 'a' },
      onBehalfOf: { type: 'anonymous', id: 'b' },
    })
    const alone = sampleRow({ onBehalfOf: null })
    expect(sealRow(alone, { ...alone, onBehalfOf: { id: 'b' } } as never).onBehalfOf).toEqual({ type: 'user', id: 'b' })
  })

  it.each([
    ['a list', ['x'], ['x']],
    ['a text', 'x', {}],
    ['null', null, {}],
  ])('has details though %s came back', async (_, details, expected) =>
    expect((await changedBy({ details })).details).toEqual(expected),
  )

  it('has an identifier by its hash, without a masked form hidden whole', async () => {
    expect((await changedBy({ attempted: { hash: 'abc' } })).attempted).toEqual({ hash: 'abc', masked: '***' })
    expect((await changedBy({ attempted: { masked: 'a***' } })).attempted).toBeNull()
    expect((await changedBy({ attempted: { hash: 'x'.repeat(99), masked: 'm' } })).attempted?.hash).toHaveLength(64)
  })

  it('has the fields of a row and no other', async () => {
    const row = await changedBy({ password: 'hunter2' })
    expect(Object.keys(row).sort()).toEqual(Object.keys(sampleRow()).sort())
  })

  it('is a row whatever came back', async () => {
    const anything = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true })
    const fields = Object.keys(sampleRow()).filter((field) => !['id', 'event', 'occurredAt'].includes(field))
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...fields), anything), async (changes) => {
        const recorded = recording({ transform: (row) => ({ ...row, ...changes }) })
        await recorded.trail.record('login')
        const row = onlyRow(recorded)
        expect(['success', 'failure', 'denied']).toContain(row.outcome)
        expect(['user', 'service', 'anonymous']).toContain(row.actor.type)
        for (const field of texts) expect(row[field] ?? '').not.toMatch(unsafe)
      }),
    )
  })

  it('is the row that was made where nothing changed', async () => {
    const given: AuditRow[] = []
    const recorded = recording({
      transform: (row) => {
        given.push(row)
        return row
      },
    })
    const attempted = 'ada@example.org'
    await recorded.trail.record('login', {
      attempted,
      subject: { type: 'user', id: 'u-1' },
      details: { remember: true },
    })
    expect(recorded.rows).toEqual(given)
  })
})

describe('a transform or a veto that answers later', () => {
  it('is a fault, and costs a row its details; what it rejects with harms nobody', async () => {
    const recorded = recording({ transform: (async () => Promise.reject(new Error('later'))) as never })
    await recorded.trail.record('login', { reason: 'why', details: { method: 'password' } })
    await nextTurn()
    expect(onlyRow(recorded)).toMatchObject({ reason: 'why', details: {} })
    expect(recorded.faults).toMatchObject([{ code: 'STEP_FAILED', message: expect.stringMatching(/transform/) }])
  })

  it('is a fault, and leaves the row in', async () => {
    const recorded = recording({ veto: (async () => true) as never })
    await recorded.trail.record('login')
    expect(recorded.rows).toHaveLength(1)
    expect(recorded.faults).toMatchObject([{ code: 'STEP_FAILED', message: expect.stringMatching(/veto/) }])
  })
})

describe('an id that can not be text', () => {
  const unprintable = { toString: 1 }

  it('is left out, of the actor and with the subject; the row stays', async () => {
    const recorded = recording()
    const actor = { type: 'user', id: unprintable, label: 'Ada' }
    await recorded.trail.record('login', {
      actor,
      onBehalfOf: { id: unprintable },
      subject: { type: 'user', id: unprintable },
    } as never)
    expect(recorded.faults).toEqual([])
    expect(onlyRow(recorded)).toMatchObject({ actor: { type: 'user', label: 'Ada' }, onBehalfOf: { type: 'user' } })
    expect(onlyRow(recorded).subject).toBeNull()
    expect('id' in onlyRow(recorded).actor).toBe(false)
  })
})

it('an address that is none is not in a row', async () => {
  const { trail, rows } = recording()
  await runInContext({ address: 'unknown', proxies: [{ address: '_hidden', trusted: false }] }, () =>
    trail.record('login'),
  )
  expect(onlyRow({ rows })).toMatchObject({ address: null, proxies: [] })
})
