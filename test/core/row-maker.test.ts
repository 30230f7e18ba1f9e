import { type AuditContext, AuditedCall, type AuditRow, rowToJson, runInContext, timeOfRowId } from '@countersign/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { onlyRow, type Recording, recording } from '../support/recording.js'

const context: AuditContext = {
  requestId: 'req-1',
  sessionId: 'session-of-ada',
  tenant: 'acme',
  address: '192.0.2.7',
  proxies: [{ address: '10.0.0.1', trusted: true }],
  userAgent: 'Mozilla/5.0',
  httpMethod: 'POST',
  route: '/login',
}
const hit = { scope: 'login', by: 'identifier', limit: 5, retryAfter: 17 } as const

/** The row of one closed attempt. */
async function rowOf(
  actor: unknown,
  recorded: Recording = recording(),
  from: AuditContext = context,
  change: (call: AuditedCall) => void = () => undefined,
): Promise<AuditRow> {
  const call = new AuditedCall(
    recorded.trail,
    from,
    { className: 'SessionController', actor: actor as never },
    'post',
    undefined,
  )
  call.open('login')
  change(call)
  await call.close({ status: 200 })
  return onlyRow(recorded)
}

describe('a row', () => {
  it('says who, what, from where, when and how it ended', async () => {
    const row = await rowOf(() => ({ type: 'user', id: 'u-1', label: 'Ada' }))
    expect(row).toMatchObject({
      event: 'login',
      eventVersion: 1,
      outcome: 'success',
      severity: 'informational',
      actor: { type: 'user', id: 'u-1', label: 'Ada' },
      className: 'SessionController',
      methodName: 'post',
      tenant: 'acme',
      requestId: 'req-1',
      address: '192.0.2.7',
      proxies: [{ address: '10.0.0.1', trusted: true }],
      userAgent: 'Mozilla/5.0',
      httpMethod: 'POST',
      route: '/login',
      status: 200,
      details: {},
    })
    expect(row.occurredAt.getTime()).toBe(timeOfRowId(row.id))
    expect(row.durationMs).toBeGreaterThanOrEqual(0)
  })

  it('happened at the moment of its id, in UTC', async () => {
    const before = Date.now()
    const row = await rowOf(() => null)
    expect(row.occurredAt.getTime()).toBe(timeOfRowId(row.id))
    expect(row.occurredAt.getTime()).toBeGreaterThanOrEqual(before)
    expect(row.occurredAt.getTime()).toBeLessThanOrEqual(Date.now())
    expect(rowToJson(row).occurred_at).toBe(new Date(timeOfRowId(row.id)).toISOString())
    expect(rowToJson(row).occurred_at).toMatch(/Z$/)
  })

  it('has null for all that is not known', async () => {
    const row = await rowOf(null, recording(), {})
    const known = ['id', 'occurredAt', 'event', 'eventVersion', 'outcome', 'severity', 'actor', 'className']
    known.push('methodName', 'status', 'durationMs', 'details')
    for (const [field, value] of Object.entries(row))
      if (!known.includes(field)) expect([field, value]).toEqual([field, null])
    expect(row.actor).toEqual({ type: 'anonymous' })
  })

  it('bears the severity of its outcome', async () => {
    const severities = ['success', 'failure', 'denied'].map(async (outcome) => {
      const row = await rowOf(null, recording(), context, (call) => {
        for (const attempt of call.attempts) attempt.outcome = outcome as 'success'
      })
      return row.severity
    })
    expect(await Promise.all(severities)).toEqual(['informational', 'low', 'medium'])
  })

  it('says how long the attempt took, in milliseconds with three decimals', async () => {
    const { durationMs } = await rowOf(null, recording(), context, (call) => {
      for (const attempt of call.attempts) Object.assign(attempt, { startedAt: performance.now() - 1234.5678 })
    })
    expect(durationMs).toBeGreaterThanOrEqual(1234.567)
    expect(durationMs).toBeLessThan(11_234)
    expect(Math.round(durationMs * 1000) / 1000).toBe(durationMs)
  })

  it('bears the session that the code named before that of the context', async () => {
    const ofKey = (): Recording => recording({ key: 'k'.repeat(32) })
    const { sessionId } = await rowOf(null, ofKey(), context, (call) => {
      for (const attempt of call.attempts) attempt.sessionId = 'session-of-eve'
    })
    expect(sessionId).toBe((await rowOf(null, ofKey(), { sessionId: 'session-of-eve' })).sessionId)
    expect(sessionId).not.toBe((await rowOf(null, ofKey())).sessionId)
  })

  it('bears the throttle that refused', async () => {
    const row = await rowOf(null, recording(), context, (call) => {
      for (const attempt of call.attempts) attempt.throttling = hit
    })
    expect(row).toMatchObject({ outcome: 'denied', severity: 'medium', scope: 'login', limit: 5, retryAfter: 17 })
  })

  it('is bounded and free of control characters, whatever the client sent', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 2000 })
    await fc.assert(
      fc.asyncProperty(text, text, text, text, async (userAgent, requestId, label, id) => {
        const row = await rowOf(() => ({ type: 'user', id, label }), recording(), { userAgent, requestId, tenant: id })
        for (const value of [row.userAgent, row.requestId, row.tenant, row.actor.id, row.actor.label] as string[]) {
          expect(value.length).toBeLessThanOrEqual(512)
          expect(value.isWellFormed()).toBe(true)
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
          expect(value).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/)
        }
      }),
    )
  })
})

describe('the actor of a row', () => {
  it('is anonymous when the source says so', async () => {
    expect((await rowOf(() => null)).actor).toEqual({ type: 'anonymous' })
  })

  it('is anonymous when the source throws, and the fault is reported', async () => {
    const recorded = recording()
    const cause = new Error('no session')
    const row = await rowOf(() => {
      throw cause
    }, recorded)
    expect(row.actor).toEqual({ type: 'anonymous' })
    expect(recorded.faults).toMatchObject([
      { code: 'STEP_FAILED', message: expect.stringMatching(/actor source/), cause },
    ])
  })

  it('is a user when the source gives an entity with an id', async () => {
    expect((await rowOf(() => ({ id: 7, email: 'ada@example.org' }))).actor).toEqual({ type: 'user', id: '7' })
  })

  it('is anonymous when the source answers later, and the fault is reported', async () => {
    const recorded = recording()
    const row = await rowOf(async () => ({ type: 'user', id: 'u-1' }), recorded)
    expect(row.actor).toEqual({ type: 'anonymous' })
    expect(recorded.faults).toHaveLength(1)
  })

  it('is given the context of the call', async () => {
    expect((await rowOf(({ tenant }: AuditContext) => ({ type: 'service', id: tenant }))).actor.id).toBe('acme')
  })
})

describe('the device of a row', () => {
  it('is what the parser makes of the user agent, which it gets bounded', async () => {
    let given = ''
    const recorded = recording({
      device: (userAgent) => {
        given = userAgent
        return { browser: 'Firefox' }
      },
    })
    const row = await rowOf(null, recorded, { userAgent: `Mozilla\n${'x'.repeat(9000)}` })
    expect(row.device).toEqual({ browser: 'Firefox' })
    expect(given).toBe(row.userAgent)
    expect(given).toHaveLength(512)
  })

  it('is not looked for where there is no user agent', async () => {
    let asked = 0
    const recorded = recording({
      device: () => {
        asked++
        return { browser: 'Firefox' }
      },
    })
    expect((await rowOf(null, recorded, {})).device).toBeNull()
    expect(asked).toBe(0)
  })

  it.each([null, undefined, 'Firefox'])('is missing where the parser finds %j', async (found) => {
    expect((await rowOf(null, recording({ device: () => found as null }))).device).toBeNull()
  })

  it('is its browser, system and type, whichever are known, and nothing else', async () => {
    const found = { os: 'Linux', browser: undefined, type: 7, version: 'hunter2' }
    const row = await rowOf(null, recording({ device: () => found as never }))
    expect(row.device).toEqual({ os: 'Linux', type: '7' })
  })

  it('is missing when the parser throws; the row is not', async () => {
    const recorded = recording({
      device: () => {
        throw new Error('unknown')
      },
    })
    expect((await rowOf(null, recorded)).device).toBeNull()
    expect(recorded.faults).toMatchObject([{ code: 'STEP_FAILED', message: expect.stringMatching(/device parser/) }])
  })
})

describe('secrets', () => {
  it('are nowhere in a row: not the session, not what was typed, not what stands in details', async () => {
    const recorded = recording()
    await runInContext(context, () =>
      recorded.trail.record('login', {
        attempted: 'correct horse battery staple',
        details: { method: 'password', password: 'hunter2', nested: [{ refreshToken: 'abc-123' }] } as never,
      }),
    )
    const stored = JSON.stringify(recorded.rows)
    for (const secret of ['session-of-ada', 'correct', 'staple', 'hunter2', 'abc-123'])
      expect(stored).not.toContain(secret)
    expect(onlyRow(recorded).attempted).toEqual({ hash: expect.stringMatching(/^[\w-]{22}$/), masked: '***' })
  })

  it('do not stay in the texts of a row, where something put a token', async () => {
    const token = `eyJhbGciOiJFZERTQSJ9.${'c'.repeat(20)}.${'s'.repeat(20)}`
    const row = await rowOf(
      () => ({ type: 'user', id: 'u-1', label: token }),
      recording(),
      { userAgent: `curl Bearer ${token}`, route: `/verify?token=${token}`, tenant: token },
      ({ attempts: [attempt] }) => {
        if (attempt) attempt.subject = { type: 'session', id: token }
      },
    )
    const leaking = Object.entries(row).filter(([, value]) => JSON.stringify(value)?.includes(token))
    expect(leaking.map(([field]) => field)).toEqual([])
  })

  it('are not hashed by the megabyte', async () => {
    const recorded = recording()
    const started = performance.now()
    await recorded.trail.record('login', { attempted: '\ufdfa'.repeat(1_000_000) })
    expect(performance.now() - started).toBeLessThan(200)
    expect(onlyRow(recorded).attempted?.masked).toBe('***')
  })

  it.each(['', '   ', '\u00a0\t'])('leave nothing of an identifier that is empty: %j', async (attempted) => {
    const recorded = recording()
    await recorded.trail.record('login', { attempted })
    expect(onlyRow(recorded).attempted).toBeNull()
  })
})
