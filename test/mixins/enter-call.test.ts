import { currentAttempt, currentFlow, runInContext, Throttled } from '@countersign/core'
import { withLoginAudit, withSignupAudit } from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { Chained, finished, type Handler, handling, Refusal } from '../support/controllers.js'
import { nextTurn, onlyRow, recording, summary, thrownBy } from '../support/recording.js'

const hit = { scope: 'login', by: 'address', limit: 10, retryAfter: 17 } as const

function login(handler: Handler, recorded = recording()) {
  const controller = new (finished(withLoginAudit(handling(handler)), recorded))()
  return { recorded, controller }
}

describe('an attempt, without an adapter', () => {
  it.each<[string, Handler, object]>([
    ['a return', async () => ({ ok: true }), { outcome: 'success', reason: null }],
    ['a return of nothing', async () => undefined, { outcome: 'success', reason: null }],
    ['a returned 422', async () => ({ status: 422 }), { outcome: 'failure', reason: 'unprocessable', status: 422 }],
    ['a returned 403', async () => ({ statusCode: 403 }), { outcome: 'denied', reason: 'forbidden', status: 403 }],
    [
      'a thrown 401 with a reason',
      async () => {
        throw new Refusal(401, 'bad_credentials')
      },
      { outcome: 'failure', reason: 'bad_credentials', status: 401 },
    ],
    [
      'a thrown 423',
      async () => {
        throw new Refusal(423, 'locked_out')
      },
      { outcome: 'denied', reason: 'locked_out', status: 423 },
    ],
    [
      'a thrown Throttled of its own',
      async () => {
        throw new Throttled(hit)
      },
      { outcome: 'denied', reason: 'throttled', status: 429 },
    ],
    [
      'a bug',
      async () => {
        throw new TypeError('undefined is not a function')
      },
      { outcome: 'failure', reason: 'internal_error', status: null },
    ],
    [
      'a thrown nothing',
      async () => {
        throw undefined
      },
      { outcome: 'failure', reason: 'internal_error' },
    ],
    [
      'a declared failure behind a neutral answer',
      async () => {
        currentAttempt('login').outcome('failure', 'unknown_address')
        return { status: 202 }
      },
      { outcome: 'failure', reason: 'unknown_address', status: 202 },
    ],
  ])('is classified by %s', async (_, handler, expected) => {
    const { controller, recorded } = login(handler)
    await controller.post({ email: 'ada@example.org' }).catch(() => undefined)
    expect(onlyRow(recorded)).toMatchObject({ event: 'login', ...expected })
    expect(onlyRow(recorded)).toMatchObject({ className: 'Finished', methodName: 'post' })
  })

  it('passes the result on as it is', async () => {
    const result = { ok: true }
    expect(await login(async () => result).controller.post()).toBe(result)
  })

  it.each([new Refusal(401, 'x'), 'text', 0, null, undefined, Object.freeze({ status: 400 })])(
    'passes the error on as it is: %s',
    async (error) => {
      const { controller } = login(async () => {
        throw error
      })
      expect(await thrownBy(() => controller.post())).toBe(error)
    },
  )

  it('passes result and error on though the row is lost', async () => {
    const away = { name: 'away', write: () => Promise.reject(new Error('away')) }
    const recorded = recording({ sink: away })
    expect(await login(async () => 'in', recorded).controller.post()).toBe('in')
    const error = new Refusal(401, 'bad_credentials')
    const refusing = login(async () => Promise.reject(error), recorded).controller
    expect(await thrownBy(() => refusing.post())).toBe(error)
    expect(recorded.trail.counts.lost).toBe(2)
  })

  it('is stored before the call returns', async () => {
    const { controller, recorded } = login(async () => 'in')
    const counts = controller.post().then(() => recorded.rows.length)
    expect(await counts).toBe(1)
  })

  it('leaves a row also when a handler throws before it awaits anything', async () => {
    const { controller, recorded } = login(() => {
      throw new Refusal(400, 'too_early')
    })
    await thrownBy(() => controller.post())
    expect(onlyRow(recorded).reason).toBe('too_early')
  })
})

describe('the trail of a call', () => {
  class Login extends withLoginAudit(handling(async () => 'in')) {
    static readonly className = 'Login'
    static readonly actor = (): null => null
  }

  it('is missing at the first call, which is refused before the handler runs', async () => {
    let ran = false
    class Untold extends withLoginAudit(
      handling(async () => {
        ran = true
      }),
    ) {
      static readonly className = 'Untold'
      static readonly actor = (): null => null
    }
    const error = await thrownBy(() => new Untold().post())
    expect(error).toMatchObject({ code: 'TRAIL_MISSING', message: expect.stringContaining('static readonly trail') })
    expect(ran).toBe(false)
  })

  it('is that of the context', async () => {
    const recorded = recording()
    await runInContext({ requestId: 'r-1' }, () => new Login().post(), { trail: recorded.trail })
    expect(onlyRow(recorded)).toMatchObject({ requestId: 'r-1', event: 'login' })
  })

  it('is the controller’s own before that of the context', async () => {
    const [own, around] = [recording(), recording()]
    const controller = new (finished(withLoginAudit(handling(async () => 'in')), own))()
    await runInContext({}, () => controller.post(), { trail: around.trail })
    expect(own.rows).toHaveLength(1)
    expect(around.rows).toEqual([])
  })

  it('is the trail of all that the handler calls', async () => {
    const recorded = recording()
    const { controller } = login(async () => {
      expect(currentFlow()?.trail).toBe(recorded.trail)
      await new Login().post()
    }, recorded)
    await controller.post()
    expect(summary(recorded)).toEqual(['login success', 'login success'])
  })
})

describe('calls inside of calls', () => {
  class Account {
    calls = 0
    async login(): Promise<number> {
      return ++this.calls
    }
    async signup(): Promise<number> {
      return this.login()
    }
    async again(depth: number): Promise<number> {
      return depth === 0 ? 0 : this.again(depth - 1)
    }
  }

  it('of another audited method leave a row of their own, delivered with the outer one', async () => {
    const recorded = recording()
    const Mixed = withSignupAudit(withLoginAudit(Account, { method: 'login' }), { method: 'signup' })
    await new (finished(Mixed, recorded))().signup()
    expect(summary(recorded)).toEqual(['login success', 'signup success'])
    expect(recorded.rows.map(({ methodName }) => methodName)).toEqual(['signup', 'login'])
  })

  it('of the same method on the same object are attempts of their own', async () => {
    const recorded = recording()
    await new (finished(withLoginAudit(Account, { method: 'again' }), recorded))().again(3)
    expect(recorded.rows).toHaveLength(4)
  })

  it('of the same method on another object are attempts of their own', async () => {
    const recorded = recording()
    const Controller = finished(withLoginAudit(Chained), recorded)
    const [one, two] = [new Controller(), new Controller()]
    one.next = two
    await one.post()
    expect(recorded.rows).toHaveLength(2)
  })

  it('that run side by side are attempts of their own', async () => {
    const recorded = recording()
    const { controller } = login(async (branches: number) => {
      await nextTurn()
      return Promise.all(Array.from({ length: branches }, () => controller.post(0)))
    }, recorded)
    await controller.post(5)
    expect(recorded.rows).toHaveLength(6)
  })

  it('that outlive the outer one leave their row nevertheless', async () => {
    const recorded = recording()
    let later: Promise<unknown> | undefined
    const { controller } = login(async (wait: boolean) => {
      if (wait) return nextTurn()
      later = controller.post(true)
      return 'in'
    }, recorded)
    await controller.post(false)
    expect(recorded.rows).toHaveLength(1)
    await later
    expect(recorded.rows).toHaveLength(2)
  })
})
