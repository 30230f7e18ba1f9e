import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { runInContext, Throttled } from '@countersign/core'
import { Throttle as LegacyThrottle, withThrottle } from '@countersign/mixins'
import { Throttle as StandardThrottle } from '@countersign/mixins/es'
import { describe, expect, it } from 'vitest'
import { finished, handling } from '../support/controllers.js'
import type { Credentials as Body } from '../support/decorated-controllers.js'
import { type DecoratorKind, decoratedControllers, decoratorKinds } from '../support/decorators.js'
import { codeOf, onlyRow, recording, summary, thrownBy } from '../support/recording.js'

const wrong = (email = 'ada@example.org'): Body => ({ email, password: 'wrong' })
const right = (email = 'ada@example.org'): Body => ({ email, password: 'right' })

/** A login that is limited as told, and counts how often its handler ran. */
function limitedBy(kind: DecoratorKind) {
  const { limitedLogin } = decoratedControllers(kind)
  return (scope: string | null | object) => {
    const recorded = recording({ limiter: flexibleLimiter({ scopes: { login: scope as string } }) })
    const session = new (limitedLogin(recorded))()
    const post = (body: Body, address?: string): Promise<unknown> =>
      runInContext(address === undefined ? {} : { address }, () => session.post(body).catch((error) => error))
    return { recorded, session, post }
  }
}

describe.each(decoratorKinds)('@Throttle (%s)', (kind) => {
  const limited = limitedBy(kind)

  describe('by address', () => {
    it('refuses what exceeds the limit, and leaves a denied row with scope, limit and wait', async () => {
      const { recorded, session, post } = limited('2/h')
      await post(right(), '192.0.2.1')
      await post(right(), '192.0.2.1')
      const refused = await post(right(), '192.0.2.1')
      expect(refused).toBeInstanceOf(Throttled)
      expect((refused as Throttled).hit).toMatchObject({ scope: 'login', by: 'address', limit: 2 })
      expect(session.runs).toBe(2)
      expect(recorded.rows.at(-1)).toMatchObject({
        event: 'login',
        outcome: 'denied',
        reason: 'throttled',
        status: 429,
        scope: 'login',
        limit: 2,
        address: '192.0.2.1',
        attempted: { masked: 'a***@e***.org' },
      })
      expect(recorded.rows.at(-1)?.retryAfter).toBeGreaterThan(3500)
      expect(recorded.rows).toHaveLength(3)
    })

    it('counts each address by itself', async () => {
      const { post } = limited('1/h')
      expect(await post(right(), '192.0.2.1')).toBe('in')
      expect(await post(right(), '192.0.2.2')).toBe('in')
      expect(await post(right(), '192.0.2.1')).toBeInstanceOf(Throttled)
    })

    it('limits nothing where no address is known', async () => {
      const { post } = limited('1/h')
      expect(await post(right())).toBe('in')
      expect(await post(right())).toBe('in')
    })

    it('limits nothing in a scope that is switched off', async () => {
      const { post } = limited(null)
      for (let attempt = 0; attempt < 20; attempt++) expect(await post(right(), '192.0.2.1')).toBe('in')
    })

    it('counts a refused attempt against nobody’s account', async () => {
      const { post } = limited({ address: '1/h', failures: '1/h' })
      await post(wrong('eve@example.org'), '192.0.2.1')
      for (let attempt = 0; attempt < 5; attempt++) await post(wrong(), '192.0.2.1')
      expect(await post(right(), '192.0.2.2')).toBe('in')
    })
  })

  describe('by failures at an identifier', () => {
    it('refuses after as many failures as the window allows, from whatever address', async () => {
      const { recorded, session, post } = limited({ failures: '3/h' })
      for (let attempt = 1; attempt <= 3; attempt++) await post(wrong(), `192.0.2.${attempt}`)
      expect(await post(right(), '192.0.2.9')).toBeInstanceOf(Throttled)
      expect(session.runs).toBe(3)
      expect(recorded.rows.at(-1)).toMatchObject({ outcome: 'denied', scope: 'login', limit: 3 })
    })

    it('knows an identifier in any spelling', async () => {
      const { session, post } = limited({ failures: '2/h' })
      for (const email of ['ada@example.org', ' ADA@example.org', 'ａｄａ@example.org']) await post(wrong(email))
      expect(session.runs).toBe(2)
    })

    it('forgets them after a success', async () => {
      const { post } = limited({ failures: '3/h' })
      for (let round = 0; round < 5; round++) {
        await post(wrong())
        await post(wrong())
        expect(await post(right())).toBe('in')
      }
    })

    it('forgets nothing of another identifier', async () => {
      const { post } = limited({ failures: '1/h' })
      await post(wrong('eve@example.org'))
      await post(right())
      expect(await post(right('eve@example.org'))).toBeInstanceOf(Throttled)
    })

    it.each(['', '   ', null, 7])('counts nothing for an identifier that is %j', async (email) => {
      const { post } = limited({ failures: '1/h', identifier: '1/h' })
      await post(wrong(email as string))
      expect(await post(right(email as string))).toBe('in')
    })

    it('never lets 50 parallel wrong attempts exceed the limit', async () => {
      const { recorded, session, post } = limited({ failures: '5/h' })
      await Promise.all(Array.from({ length: 50 }, (_, index) => post(wrong(), `192.0.2.${index}`)))
      expect(session.runs).toBe(5)
      const outcomes = summary(recorded)
      expect(outcomes.filter((row) => row === 'login failure')).toHaveLength(5)
      expect(outcomes.filter((row) => row === 'login denied')).toHaveLength(45)
    })
  })

  describe('by attempts at an identifier', () => {
    it('counts successes too, and forgets nothing', async () => {
      const { post } = limited({ identifier: '2/h' })
      expect(await post(right())).toBe('in')
      expect(await post(right())).toBe('in')
      expect(await post(right())).toBeInstanceOf(Throttled)
      expect(await post(right('eve@example.org'))).toBe('in')
    })
  })
})

describe('a throttle on a method that is not audited', () => {
  const scopes = { burst: { address: '1/h', identifier: '1/h' } }
  const controllerOf = (recorded = recording({ limiter: flexibleLimiter({ scopes }) })) => {
    const Limited = withThrottle(
      handling(async () => 'in'),
      { scope: 'burst', method: 'post', identifier: (body: Body) => body.email },
    )
    return { recorded, controller: new (finished(Limited, recorded))() }
  }

  it('leaves a `rate_limit` row for a refusal, and none for what it let through', async () => {
    const { recorded, controller } = controllerOf()
    await runInContext({ address: '192.0.2.1' }, async () => {
      expect(await controller.post(right('a@example.org'))).toBe('in')
      expect(recorded.rows).toEqual([])
      expect(await thrownBy(() => controller.post(right('b@example.org')))).toBeInstanceOf(Throttled)
    })
    expect(onlyRow(recorded)).toMatchObject({
      event: 'rate_limit',
      outcome: 'denied',
      severity: 'high',
      scope: 'burst',
      limit: 1,
      methodName: 'post',
      className: 'Finished',
    })
  })

  it('counts by the identifier that it is told', async () => {
    const { recorded, controller } = controllerOf()
    await controller.post(right())
    expect(await thrownBy(() => controller.post(right()))).toMatchObject({ hit: { by: 'identifier' } })
    expect(onlyRow(recorded).event).toBe('rate_limit')
  })
})

describe('several scopes on one method', () => {
  it('are all counted, and the first to refuse is in the row', async () => {
    const scopes = { burst: '2/h', daily: '1/h' }
    const recorded = recording({ limiter: flexibleLimiter({ scopes }) })
    const Base = handling(async () => 'in')
    const Limited = withThrottle(withThrottle(Base, { scope: 'burst', method: 'post' }), {
      scope: 'daily',
      method: 'post',
    })
    const controller = new (finished(Limited, recorded))()
    await runInContext({ address: '192.0.2.1' }, async () => {
      await controller.post()
      await controller.post().catch(() => undefined)
    })
    expect(onlyRow(recorded)).toMatchObject({ scope: 'daily', limit: 1 })
  })
})

it.each(['Login', 'login.burst', 'My-Scope', '', undefined])('refuses the scope %j in words of its own', (scope) => {
  expect(codeOf(() => LegacyThrottle(scope as string))).toBe('LIMIT_INVALID')
  expect(codeOf(() => StandardThrottle(scope as string))).toBe('LIMIT_INVALID')
  const options = { scope: scope as string, method: 'post' as const }
  expect(() =>
    withThrottle(
      handling(async () => 1),
      options,
    ),
  ).toThrow(/is not the name of a scope/)
})

it('takes any name in snake_case for a scope, those of signals too', () => {
  expect(codeOf(() => LegacyThrottle('loss'))).toBeNull()
  expect(codeOf(() => StandardThrottle('loss'))).toBeNull()
})

it.each([
  ['no options', undefined, 'SETTING_INVALID'],
  ['a text', 'login', 'SETTING_INVALID'],
  ['no scope', { method: 'post' }, 'LIMIT_INVALID'],
  ['no method', { scope: 'login' }, 'HANDLER_MISSING'],
])('refuses withThrottle with %s', (_, options, code) => {
  expect(
    codeOf(() =>
      withThrottle(
        handling(async () => 1),
        options as never,
      ),
    ),
  ).toBe(code)
})

it('names the scope that throttles twice', () => {
  const Once = withThrottle(
    handling(async () => 1),
    { scope: 'burst', method: 'post' },
  )
  expect(() => withThrottle(Once, { scope: 'burst', method: 'post' })).toThrow(
    /The scope 'burst' throttles .*post\(\) twice.*count double in that scope/,
  )
})
