import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { type AuditLimiter, runInContext } from '@countersign/core'
import { withLoginAudit, withThrottle } from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { finished, handling } from '../support/controllers.js'
import { onlyRow, recording, thrownBy } from '../support/recording.js'

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

describe('a scope that the limiter does not know', () => {
  it('refuses the first call, and says what to configure', async () => {
    const { post, runs } = behind(flexibleLimiter({ scopes: { signup: '5/min' } }))
    const error = await thrownBy(post)
    expect(error).toMatchObject({ code: 'SCOPE_UNKNOWN' })
    expect((error as Error).message).toContain("login: '10/min'")
    expect(runs()).toBe(0)
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
