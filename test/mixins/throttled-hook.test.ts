import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { currentAttempt, runInContext, Throttled, type Throttling } from '@countersign/core'
import {
  AuditEvent,
  Throttle,
  withLoginAudit,
  withLogoutAudit,
  withSignupAudit,
  withThrottle,
} from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { finished, handling } from '../support/controllers.js'
import { nextTurn, onlyRow, recording, summary, thrownBy } from '../support/recording.js'

const hit: Throttling = { scope: 'login', by: 'address', limit: 10, retryAfter: 17 }

class Account {
  async post(): Promise<string> {
    return 'in'
  }
  async logout(): Promise<string> {
    return 'out'
  }
}
class Shaping extends Account {
  readonly hits: Throttling[] = []
  async throttled(given: Throttling): Promise<unknown> {
    this.hits.push(given)
    return { detail: `wait ${given.retryAfter}` }
  }
}

describe('throttled(hit), called by a host with a throttle of its own', () => {
  it('leaves one denied row, by default with no body', async () => {
    const recorded = recording()
    const controller = new (finished(withLoginAudit(Account), recorded))()
    expect(await controller.throttled(hit)).toBeUndefined()
    expect(onlyRow(recorded)).toMatchObject({
      event: 'login',
      outcome: 'denied',
      reason: 'throttled',
      status: 429,
      scope: 'login',
      limit: 10,
      retryAfter: 17,
      className: 'Finished',
    })
  })

  it('runs the host’s own hook once, and passes on what that returns', async () => {
    const recorded = recording()
    const controller = new (finished(withSignupAudit(withLoginAudit(Shaping)), recorded))()
    expect(await controller.throttled(hit)).toEqual({ detail: 'wait 17' })
    expect(controller.hits).toEqual([hit])
    expect(summary(recorded)).toEqual(['login denied', 'signup denied'])
  })

  it('passes on what the host’s hook throws, and leaves the row all the same', async () => {
    const recorded = recording()
    const error = new Error('template is missing')
    class Broken extends Account {
      async throttled(_hit: Throttling): Promise<unknown> {
        throw error
      }
    }
    const controller = new (finished(withLoginAudit(Broken), recorded))()
    expect(await thrownBy(() => controller.throttled(hit))).toBe(error)
    expect(onlyRow(recorded).outcome).toBe('denied')
  })

  it('marks the method that the scope throttles, where several are audited', async () => {
    const recorded = recording()
    class Session extends withLoginAudit(Account) {
      static readonly className = 'Session'
      static readonly actor = (): null => null
      static readonly trail = recorded.trail
      @AuditEvent('logout')
      @Throttle('goodbye')
      override async logout(): Promise<string> {
        return 'out'
      }
    }
    await new Session().throttled({ ...hit, scope: 'goodbye' })
    expect(summary(recorded)).toEqual(['logout denied'])
  })

  it('is a `rate_limit` where it can’t be known which method was meant', async () => {
    const recorded = recording()
    class Session extends withLoginAudit(Account) {
      static readonly className = 'Session'
      static readonly actor = (): null => null
      static readonly trail = recorded.trail
      @AuditEvent('logout')
      override async logout(): Promise<string> {
        return 'out'
      }
    }
    await new Session().throttled({ ...hit, scope: 'elsewhere' })
    expect(summary(recorded)).toEqual(['rate_limit denied'])
  })

  it('is a `rate_limit` where nothing is audited, only limited', async () => {
    const recorded = recording()
    const controller = new (finished(withThrottle(Shaping, { scope: 'login', method: 'post' }), recorded))()
    expect(await controller.throttled(hit)).toEqual({ detail: 'wait 17' })
    expect(summary(recorded)).toEqual(['rate_limit denied'])
  })

  it('marks that method only, where others are throttled by other scopes', async () => {
    const recorded = recording()
    const Limited = withThrottle(
      withThrottle(withLogoutAudit(withLoginAudit(Account), { method: 'logout' }), { scope: 'login', method: 'post' }),
      { scope: 'goodbye', method: 'logout' },
    )
    await new (finished(Limited, recorded))().throttled({ ...hit, scope: 'goodbye' })
    expect(summary(recorded)).toEqual(['logout denied'])
  })

  it('bears the context around it, where no call runs', async () => {
    const recorded = recording()
    const controller = new (finished(withLoginAudit(Account), recorded))()
    await runInContext({ address: '192.0.2.1' }, () => controller.throttled(hit))
    expect(onlyRow(recorded)).toMatchObject({ outcome: 'denied', address: '192.0.2.1' })
  })

  it('marks every event of the only audited method, and bears the name of none', async () => {
    const recorded = recording()
    const controller = new (finished(withSignupAudit(withLoginAudit(Account)), recorded))()
    await controller.throttled({ ...hit, scope: 'elsewhere' })
    expect(summary(recorded)).toEqual(['login denied', 'signup denied'])
    expect(recorded.rows.map(({ methodName, scope }) => [methodName, scope])).toEqual([
      [null, 'elsewhere'],
      [null, 'elsewhere'],
    ])
  })

  it('is a `rate_limit` where the method that the scope throttles is not audited', async () => {
    const recorded = recording()
    const Limited = withThrottle(withLoginAudit(Account), { scope: 'goodbye', method: 'logout' })
    await new (finished(Limited, recorded))().throttled({ ...hit, scope: 'goodbye' })
    expect(summary(recorded)).toEqual(['rate_limit denied'])
  })

  it('is an attempt of its own inside a call of another controller, and after one of its own', async () => {
    const recorded = recording()
    const controller = new (finished(withLoginAudit(Shaping), recorded))()
    const Other = finished(withSignupAudit(handling(() => controller.throttled(hit))), recorded)
    expect(await new Other().post()).toEqual({ detail: 'wait 17' })
    expect(summary(recorded)).toEqual(['login denied', 'signup success'])

    let later: Promise<unknown> | undefined
    class Leaving extends Account {
      override async post(): Promise<string> {
        later = nextTurn().then(() => (this as unknown as { throttled(hit: Throttling): unknown }).throttled(hit))
        return 'in'
      }
    }
    const after = recording()
    await new (finished(withLoginAudit(Leaving), after))().post()
    await later
    expect(summary(after)).toEqual(['login denied', 'login success'])
  })

  it('is no attempt of its own inside a call that runs', async () => {
    const recorded = recording()
    class Asking extends Shaping {
      override async post(): Promise<string> {
        return JSON.stringify(await this.throttled(hit))
      }
    }
    expect(await new (finished(withLoginAudit(Asking), recorded))().post()).toBe('{"detail":"wait 17"}')
    expect(summary(recorded)).toEqual(['login success'])
  })

  it('lets the hook say more of the attempt', async () => {
    const recorded = recording()
    class Naming extends Account {
      async throttled(_hit: Throttling): Promise<void> {
        currentAttempt().attempted('ada@example.org').reason('too_many_codes')
      }
    }
    await new (finished(withLoginAudit(Naming), recorded))().throttled(hit)
    expect(onlyRow(recorded)).toMatchObject({ reason: 'too_many_codes', attempted: { masked: 'a***@e***.org' } })
  })

  it('keeps the name and length of the host’s hook', () => {
    const { throttled } = withLoginAudit(Shaping).prototype
    expect([throttled.name, throttled.length, throttled.constructor.name]).toEqual(['throttled', 1, 'AsyncFunction'])
  })
})

describe('throttled(hit), called by the toolkit’s own throttle', () => {
  const limiter = () => flexibleLimiter({ scopes: { login: '1/h' } })
  const refusedBy = async (Base: new () => Account, recorded = recording({ limiter: limiter() })) => {
    const Limited = withThrottle(withLoginAudit(Base), { scope: 'login', method: 'post' })
    const controller = new (finished(Limited, recorded))()
    const error = await runInContext({ address: '192.0.2.1' }, async () => {
      await controller.post()
      return thrownBy(() => controller.post())
    })
    return { error, recorded, controller }
  }

  it('shapes the body of the refusal, which stays one row', async () => {
    const { error, recorded } = await refusedBy(Shaping)
    expect(error).toBeInstanceOf(Throttled)
    expect((error as Throttled).body).toMatchObject({ detail: expect.stringMatching(/^wait \d+$/) })
    expect(summary(recorded)).toEqual(['login denied', 'login success'])
  })

  it('is not needed', async () => {
    const { error, recorded } = await refusedBy(Account)
    expect(error).toBeInstanceOf(Throttled)
    expect((error as Throttled).body).toBeUndefined()
    expect(summary(recorded)).toEqual(['login denied', 'login success'])
  })

  it.each<[string, () => unknown]>([
    [
      'throwing',
      () => {
        throw new Error('x')
      },
    ],
    ['rejecting', () => Promise.reject(new Error('x'))],
    ['saying that it went well', () => currentAttempt().outcome('success')],
    ['returning a success', () => ({ status: 200 })],
  ])('can’t lift the refusal by %s', async (_, hook) => {
    class Lenient extends Account {
      async throttled(_hit: Throttling): Promise<unknown> {
        return hook()
      }
    }
    const { error, recorded } = await refusedBy(Lenient)
    expect(error).toBeInstanceOf(Throttled)
    expect(summary(recorded)).toEqual(['login denied', 'login success'])
  })

  it('is found on a class that only has decorators', async () => {
    const recorded = recording({ limiter: limiter() })
    class Session extends handling(async () => 'in') {
      static readonly className = 'Session'
      static readonly actor = (): null => null
      static readonly trail = recorded.trail
      @Throttle('login')
      override async post(): Promise<unknown> {
        return 'in'
      }
      throttled({ limit }: Throttling): string {
        return `only ${limit}`
      }
    }
    const error = await runInContext({ address: '192.0.2.1' }, async () => {
      await new Session().post()
      return thrownBy(() => new Session().post())
    })
    expect(error).toMatchObject({ httpCode: 429, body: 'only 1' })
  })
})
