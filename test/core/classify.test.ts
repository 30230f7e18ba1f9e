import { Attempt, classify, type Ending, type Outcome, statusOf, Throttled } from '@countersign/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const hit = { scope: 'login', by: 'address', limit: 10, retryAfter: 17 } as const

function attempt(state: Partial<Attempt> = {}): Attempt {
  return Object.assign(new Attempt('login'), state)
}

describe('an outcome that is none', () => {
  it('is as if none had been said', () => {
    const said = attempt({ outcome: 'weird' as Outcome })
    expect(classify(said, { status: 200 }).outcome).toBe('success')
    expect(classify(said, { status: 401 }).outcome).toBe('failure')
  })
})

describe('by how the call ended', () => {
  it.each<[string, Ending, Outcome, string | null, number | null]>([
    ['a return', { result: { ok: true } }, 'success', null, null],
    ['nothing at all', {}, 'success', null, null],
    ['a 201', { status: 201 }, 'success', null, 201],
    ['a redirect', { status: 302 }, 'success', null, 302],
    ['a returned object with a 422', { result: { status: 422 } }, 'failure', 'unprocessable', 422],
    ['a set 400', { status: 400, result: { ok: true } }, 'failure', 'invalid_request', 400],
    ['a throw', { error: new Error('x') }, 'failure', 'internal_error', null],
    ['a thrown null', { error: null }, 'failure', 'internal_error', null],
    ['a throw with a status', { error: { httpCode: 409 } }, 'failure', 'conflict', 409],
    [
      'a throw with a reason',
      { error: { httpCode: 401, reason: 'bad_credentials' } },
      'failure',
      'bad_credentials',
      401,
    ],
    [
      'a throw whose reason is prose',
      { error: { status: 400, reason: 'Try again!' } },
      'failure',
      'invalid_request',
      400,
    ],
    [
      'a response that tells more than the error',
      { status: 500, error: { httpCode: 400 } },
      'failure',
      'internal_error',
      500,
    ],
    ['a 401 of the handler', { status: 401 }, 'failure', 'unauthenticated', 401],
    ['a 401 of a guard', { status: 401, reached: false }, 'denied', 'unauthenticated', 401],
    ['a 403', { status: 403 }, 'denied', 'forbidden', 403],
    ['a 423', { status: 423 }, 'denied', 'locked', 423],
    ['a 429', { status: 429 }, 'denied', 'throttled', 429],
    ['a thrown Throttled', { error: new Throttled(hit) }, 'denied', 'throttled', 429],
    ['a refused body', { status: 400, reached: false, reason: 'malformed_body' }, 'failure', 'malformed_body', 400],
    ['a void result turned into 404', { status: 404 }, 'failure', 'not_found', 404],
    ['an unknown 4xx', { status: 418 }, 'failure', 'rejected', 418],
    ['an unknown 5xx', { status: 507 }, 'failure', 'internal_error', 507],
    ['a 503', { status: 503 }, 'failure', 'unavailable', 503],
  ])('%s', (_, ending, outcome, reason, status) => {
    expect(classify(attempt(), ending)).toEqual({ outcome, reason, status })
  })
})

describe('the reason of a status', () => {
  it.each([
    [400, 'invalid_request'],
    [401, 'unauthenticated'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [405, 'method_not_allowed'],
    [406, 'not_acceptable'],
    [408, 'timeout'],
    [409, 'conflict'],
    [410, 'gone'],
    [413, 'payload_too_large'],
    [415, 'unsupported_media_type'],
    [422, 'unprocessable'],
    [423, 'locked'],
    [429, 'throttled'],
    [499, 'client_disconnected'],
    [500, 'internal_error'],
    [503, 'unavailable'],
    [599, 'internal_error'],
  ])('%i is %s', (status, reason) => expect(classify(attempt(), { status }).reason).toBe(reason))

  it('is none for what went well, whatever the layer says: 399 is no failure', () => {
    expect(classify(attempt(), { status: 399, reason: 'of_layer' })).toEqual({
      outcome: 'success',
      reason: null,
      status: 399,
    })
    expect(classify(attempt({ outcome: 'success' }), { reason: 'of_layer' }).reason).toBeNull()
  })
})

describe('by what the code declared', () => {
  it('believes a failure that a neutral answer hides', () => {
    const declared = attempt({ outcome: 'failure', reason: 'unknown_address' })
    expect(classify(declared, { status: 202 })).toEqual({ outcome: 'failure', reason: 'unknown_address', status: 202 })
  })

  it('believes a denial', () => {
    expect(classify(attempt({ outcome: 'denied', reason: 'locked_out' }), { status: 401 }).outcome).toBe('denied')
  })

  it('does not believe a success after which something broke', () => {
    expect(classify(attempt({ outcome: 'success' }), { status: 500 }).outcome).toBe('failure')
    expect(classify(attempt({ outcome: 'success' }), { error: new Error('x') }).outcome).toBe('failure')
  })

  it('prefers its reason to that of the error, and that of the error to that of the layer', () => {
    const ending = { status: 400, error: { reason: 'of_error' }, reason: 'of_layer' }
    expect(classify(attempt({ reason: 'of_code' }), ending).reason).toBe('of_code')
    expect(classify(attempt(), ending).reason).toBe('of_error')
    expect(classify(attempt(), { ...ending, error: undefined }).reason).toBe('of_layer')
  })

  it('keeps the reason of the error where the code declared a failure without one', () => {
    const error = { httpCode: 401, reason: 'bad_credentials' }
    expect(classify(attempt({ outcome: 'failure' }), { error })).toEqual({
      outcome: 'failure',
      reason: 'bad_credentials',
      status: 401,
    })
  })

  it('keeps a remark on a success', () => {
    expect(classify(attempt({ reason: 'remembered_device' }), {}).reason).toBe('remembered_device')
  })

  it('holds what a throttle refused for denied, whatever was declared', () => {
    const throttled = attempt({ throttling: hit, outcome: 'success' })
    expect(classify(throttled, { status: 200 })).toMatchObject({ outcome: 'denied', reason: 'throttled' })
    expect(classify(attempt({ throttling: hit }), {}).status).toBe(429)
    expect(classify(attempt({ throttling: hit }), { status: 503 }).status).toBe(503)
    expect(classify(attempt({ throttling: hit, reason: 'too_many_codes' }), {}).reason).toBe('too_many_codes')
  })

  it('remembers what the audited code threw, though the response hides it', () => {
    expect(classify(attempt({ error: { reason: 'bad_code' } }), { status: 200 })).toMatchObject({
      outcome: 'failure',
      reason: 'bad_code',
    })
  })

  it('holds a throw that a 200 hides for a failure', () => {
    expect(classify(attempt(), { status: 200, error: new Error('x') }).outcome).toBe('failure')
  })

  it('remembers a thrown null too', () => {
    expect(classify(attempt({ error: null }), { status: 200 }).outcome).toBe('failure')
  })
})

describe('totality', () => {
  const status = fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined })
  const thrown = fc.oneof(
    fc.constant(undefined),
    fc.constantFrom<unknown>(null, 'text', 7, new Error('x'), new Throttled(hit), { reason: 'Prose!' }),
    fc.record({ httpCode: fc.integer(), reason: fc.constantFrom('of_error', undefined) }),
    fc.anything(),
  )
  const attempts = fc.record({
    outcome: fc.constantFrom('success', 'failure', 'denied', null),
    reason: fc.constantFrom(null, 'of_code'),
    throttling: fc.constantFrom(null, hit),
    // What was thrown is noted as it is; a null is a case of its own, above.
    error: thrown.filter((error) => error !== null),
  })
  const endings = fc.record(
    { status, error: thrown, result: fc.anything(), reached: fc.boolean(), reason: fc.constantFrom('of_layer') },
    { requiredKeys: [] },
  )

  it('gives every combination one outcome; nothing refused or broken is a success; it alters nothing', () => {
    fc.assert(
      fc.property(attempts, endings, (state, ending) => {
        const made = attempt(state as Partial<Attempt>)
        const before = { ...made }
        const { outcome, reason, status: given } = classify(made, ending as Ending)
        expect(['success', 'failure', 'denied']).toContain(outcome)
        expect({ ...made }).toEqual(before)
        const broke = state.error !== undefined || ending.error !== undefined
        if (broke || (given !== null && given >= 400)) expect(outcome).not.toBe('success')
        if (state.throttling) expect(outcome).toBe('denied')
        if (state.outcome === null && outcome !== 'success') expect(reason).toEqual(expect.any(String))
      }),
      { numRuns: 3000 },
    )
  })
})

describe('statusOf', () => {
  it('finds what frameworks call httpCode, statusCode and status, in this order', () => {
    expect(statusOf({ httpCode: 401, statusCode: 402, status: 403 })).toBe(401)
    expect(statusOf({ statusCode: 402, status: 403 })).toBe(402)
    expect(statusOf({ status: 403 })).toBe(403)
  })

  it.each([null, undefined, 'x', 404, {}, { status: 'active' }, { status: '404' }, { status: 99 }, { status: 600 }])(
    'finds none in %j',
    (value) => expect(statusOf(value)).toBeNull(),
  )

  it('takes the first and the last status that there can be', () => {
    expect([100, 599].map((status) => statusOf({ status }))).toEqual([100, 599])
    expect(statusOf({ status: 404.5 })).toBeNull()
  })

  it('finds none in a function, whatever it carries', () => {
    expect(statusOf(Object.assign(() => undefined, { status: 404 }))).toBeNull()
  })

  it('finds none in what can not be looked at', () => {
    const closed = new Proxy(
      {},
      {
        get() {
          throw new Error('closed')
        },
      },
    )
    expect(statusOf(closed)).toBeNull()
    expect(classify(attempt(), { error: closed })).toEqual({
      outcome: 'failure',
      reason: 'internal_error',
      status: null,
    })
  })

  it('passes over a field that is no status', () => {
    expect(statusOf({ httpCode: 'E_AUTH', status: 401 })).toBe(401)
  })
})
