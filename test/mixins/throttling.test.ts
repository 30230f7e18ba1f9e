import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { AuditedCall, type AuditLimiter, runInContext, type Throttling } from '@countersign/core'
import { reserveAddress, withLoginAudit, withThrottle } from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { finished, handling, Refusal, served } from '../support/controllers.js'
import { onlyRow, type Recording, recording, summary, thrownBy } from '../support/recording.js'

const cause = new Error('redis is away')

/** A login behind this limiter; says how often its handler ran. */
function behind(limiter: AuditLimiter | undefined) {
  const recorded = recording(limiter ? { limiter } : {})
  let runs = 0
  const Limited = withThrottle(
    withLoginAudit(
      handling(async () => {
        runs++
        return 'in'
      }),
    ),
    { scope: 'login', method: 'post' },
  )
  const controller = new (finished(Limited, recorded))()
  const post = (): Promise<unknown> =>
    runInContext({ address: '192.0.2.1' }, () => controller.post({ email: 'ada@example.org' }))
  return { recorded, post, runs: () => runs }
}

const limiter = flexibleLimiter({ scopes: { login: { address: '100/h', failures: '100/h' } } })

describe('a limiter that fails', () => {
  it.each<[string, AuditLimiter['reserve']]>([
    ['rejects', () => Promise.reject(cause)],
    [
      'throws',
      () => {
        throw cause
      },
    ],
    [
      'rejects for failures only',
      async (scope, by, key) => {
        if (by === 'failures') throw cause
        return limiter.reserve(scope, by, key)
      },
    ],
  ])('lets nobody through when it %s, and leaves a failed row', async (_, reserve) => {
    const { recorded, post, runs } = behind({ ...limiter, name: 'broken', reserve })
    const error = await thrownBy(post)
    expect(error).toMatchObject({ name: 'AuditError', code: 'LIMITER_FAILED', cause })
    expect((error as Error).message).toContain("'broken'")
    expect(runs()).toBe(0)
    expect(onlyRow(recorded)).toMatchObject({ event: 'login', outcome: 'failure', reason: expect.any(String) })
  })

  it('harms nobody when it can’t forget: the success stands, the fault is reported', async () => {
    const { recorded, post } = behind({ ...limiter, clear: () => Promise.reject(cause) })
    expect(await post()).toBe('in')
    expect(onlyRow(recorded).outcome).toBe('success')
    expect(recorded.faults).toMatchObject([{ code: 'STEP_FAILED', cause }])
  })

  it('that throws where it should forget harms nobody either', async () => {
    const { recorded, post } = behind({
      ...limiter,
      clear: () => {
        throw cause
      },
    })
    expect(await post()).toBe('in')
    expect(onlyRow(recorded).outcome).toBe('success')
  })
})

describe('a limiter that is missing', () => {
  it('refuses the first call with the line to write, and leaves a failed row', async () => {
    const { recorded, post, runs } = behind(undefined)
    const error = await thrownBy(post)
    expect(error).toMatchObject({ code: 'LIMITER_MISSING' })
    expect((error as Error).message).toMatch(/Finished\.post\(\).*createAuditTrail\(\{ sink, limiter \}\)/)
    expect(runs()).toBe(0)
    expect(onlyRow(recorded).outcome).toBe('failure')
  })
})

describe('a limiter that is missing where there is nothing to count by', () => {
  it('refuses the first call all the same', async () => {
    const Throttled = withThrottle(
      handling(async () => 'in'),
      { scope: 'login', method: 'post' },
    )
    const error = await thrownBy(() => new (finished(Throttled, recording()))().post())
    expect(error).toMatchObject({ code: 'LIMITER_MISSING' })
  })
})

describe('a scope that the limiter does not know', () => {
  it('refuses the first call, and says what to configure', async () => {
    const { post, runs } = behind(flexibleLimiter({ scopes: { signup: '5/min' } }))
    const error = await thrownBy(post)
    expect(error).toMatchObject({ code: 'SCOPE_UNKNOWN' })
    expect((error as Error).message).toContain("login: '10/min'")
    expect(runs()).toBe(0)
  })
})

/** A limiter that notes what it is asked, and refuses where it is told to. */
function noting(refused: (by: string) => boolean = () => false) {
  const asked: string[][] = []
  const limiter: AuditLimiter = {
    name: 'noting',
    scopes: new Set(['login']),
    async reserve(...key) {
      asked.push(key)
      return { allowed: !refused(key[1]), limit: 3, remaining: 0, resetAfter: 60, window: 60 }
    },
    async clear(...key) {
      asked.push(['clear', ...key])
    },
  }
  return { limiter, asked }
}

describe('what is counted', () => {
  it('is cleared by a success: the failures of the identifier, and nothing else', async () => {
    const { limiter, asked } = noting()
    const { recorded, post } = behind(limiter)
    await post()
    const hash = recorded.trail.identifierHash('ada@example.org')
    expect(asked.slice(2)).toEqual([
      ['login', 'failures', hash],
      ['clear', 'login', 'failures', hash],
    ])
  })

  it('is not cleared by a failure', async () => {
    const { limiter, asked } = noting()
    const recorded = recording({ limiter })
    const Limited = withThrottle(
      withLoginAudit(
        handling(async () => {
          throw new Refusal(401, 'bad_credentials')
        }),
      ),
      { scope: 'login', method: 'post' },
    )
    await thrownBy(() => new (finished(Limited, recorded))().post({ email: 'ada@example.org' }))
    expect(asked.map(([by]) => by)).toEqual(['login', 'login'])
    expect(summary(recorded)).toEqual(['login failure'])
  })

  it.each<[string, (...args: unknown[]) => unknown]>([
    ['throws', () => JSON.parse('{')],
    ['finds no text', () => 7],
    ['finds nothing but space', () => ' \t'],
  ])('is no identifier where what looks for it %s: the attempt goes on', async (_, identifier) => {
    const { limiter, asked } = noting()
    const recorded = recording({ limiter })
    const options = { scope: 'login', method: 'post', identifier: identifier as () => null } as const
    const Limited = withThrottle(withLoginAudit(handling(async () => 'in')), options)
    expect(await new (finished(Limited, recorded))().post({ email: 'ada@example.org' })).toBe('in')
    expect(asked).toEqual([])
    expect(recorded.faults).toEqual([])
  })

  it('is nothing where a method has neither an identifier nor an audit that knows one', async () => {
    const { limiter, asked } = noting()
    const Limited = withThrottle(
      handling(async () => 'in'),
      { scope: 'login', method: 'post' },
    )
    expect(await new (finished(Limited, recording({ limiter })))().post({ email: 'ada@example.org' })).toBe('in')
    expect(asked).toEqual([])
  })
})

describe('a call that an adapter holds', () => {
  const throttles = [{ scope: 'login', method: 'post', identifier: undefined }]
  const held = ({ trail }: Recording, context: object, isHeld = true): AuditedCall =>
    new AuditedCall(trail, context, { className: 'Held', actor: null }, 'post', undefined, isHeld)

  it('counts its address, and all that have none as one', async () => {
    const { limiter, asked } = noting()
    const recorded = recording({ limiter })
    expect(await reserveAddress(held(recorded, { address: '192.0.2.1' }), throttles)).toMatchObject([{ limit: 3 }])
    await reserveAddress(held(recorded, {}), throttles)
    expect(await reserveAddress(held(recorded, {}, false), throttles)).toEqual([])
    expect(asked).toEqual([
      ['login', 'address', '192.0.2.1'],
      ['login', 'address', 'unknown'],
    ])
  })

  it('is counted by its address by the adapter, not again when the handler is reached', async () => {
    const { limiter, asked } = noting()
    const recorded = recording({ limiter })
    const Limited = withThrottle(withLoginAudit(handling(async () => 'in')), { scope: 'login', method: 'post' })
    const args = [{ email: 'ada@example.org' }]
    await served(new (finished(Limited, recorded))(), 'post', args, recorded, { status: 401 })
    expect(asked.map(([, by]) => by)).toEqual(['identifier', 'failures'])
  })

  it('is refused without words where nothing shapes it, and that is no fault', async () => {
    const recorded = recording({ limiter: noting(() => true).limiter })
    for (const shaping of [undefined, () => ({})]) {
      const call = held(recorded, {})
      call.shaping = shaping
      expect(await thrownBy(() => reserveAddress(call, throttles))).toMatchObject({
        code: 'THROTTLED',
        body: undefined,
      })
      await call.close({ status: 429 })
    }
    expect(recorded.faults).toEqual([])
    expect(summary(recorded)).toEqual(['rate_limit denied', 'rate_limit denied'])
  })

  it('has no reservation where nothing limits', async () => {
    const recorded = recording({ limiter: { ...noting().limiter, reserve: async () => null } })
    expect(await reserveAddress(held(recorded, {}), throttles)).toEqual([])
  })

  it('is refused in the words of the object that shapes it, with every attempt marked', async () => {
    const recorded = recording({ limiter: noting(() => true).limiter })
    const call = held(recorded, {})
    for (const event of ['login', 'two_factor_challenge'] as const) call.open(event)
    call.shaping = () => ({ throttled: ({ scope }: Throttling) => `not now: ${scope}` })
    const error = await thrownBy(() => reserveAddress(call, throttles))
    expect(error).toMatchObject({ code: 'THROTTLED', body: 'not now: login', hit: { by: 'address', retryAfter: 60 } })
    await call.close({ error })
    expect(summary(recorded)).toEqual(['login denied', 'two_factor_challenge denied'])
    expect(recorded.rows.map(({ scope, limit }) => [scope, limit])).toEqual([
      ['login', 3],
      ['login', 3],
    ])
  })

  it('is refused all the same when the words can not be found, which is reported', async () => {
    const recorded = recording({ limiter: noting(() => true).limiter })
    const call = held(recorded, {})
    call.open('login')
    call.shaping = () => {
      throw cause
    }
    expect(await thrownBy(() => reserveAddress(call, throttles))).toMatchObject({ code: 'THROTTLED', body: undefined })
    expect(recorded.faults).toMatchObject([{ code: 'STEP_FAILED', cause }])
  })
})

describe('a limiter of your own', () => {
  it('is asked by address, then by identifier, then by failures, with a hash for the identifier', async () => {
    const asked: string[][] = []
    const { recorded, post } = behind({
      name: 'noting',
      scopes: new Set(['login']),
      async reserve(scope, by, key) {
        asked.push([scope, by, key])
        return null
      },
      async clear() {
        asked.push(['clear'])
      },
    })
    await post()
    const hash = recorded.trail.identifierHash('ada@example.org')
    expect(asked, 'null says that nothing limits, so nothing is cleared').toEqual([
      ['login', 'address', '192.0.2.1'],
      ['login', 'identifier', hash],
      ['login', 'failures', hash],
    ])
  })

  it('that names no wait makes one of at least a second', async () => {
    const { post } = behind({
      name: 'strict',
      scopes: new Set(['login']),
      reserve: async () => ({ allowed: false, limit: 3, remaining: 0, resetAfter: 0, window: 60 }),
      clear: async () => undefined,
    })
    expect(await thrownBy(post)).toMatchObject({ hit: { limit: 3, retryAfter: 1 } })
  })
})
