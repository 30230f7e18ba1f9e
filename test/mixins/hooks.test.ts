import '../support/events.js'
import {
  AbstractSignalMixin,
  AuditEvent,
  auditMixin,
  hooksOf,
  hooksOfMethod,
  isHooked,
  lineage,
  Throttle,
  withLoginAudit,
  withSignupAudit,
  withThrottle,
} from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../support/recording.js'

class Account {
  async post(): Promise<number> {
    return 1
  }
  async login(): Promise<number> {
    return 1
  }
}

describe('the same event on the same method twice', () => {
  it('is refused by two mixins', () => {
    expect(codeOf(() => withLoginAudit(withLoginAudit(Account)))).toBe('EVENT_AUDITED_TWICE')
  })

  it('is refused by two mixins with something between them', () => {
    expect(codeOf(() => withLoginAudit(withSignupAudit(class extends withLoginAudit(Account) {})))).toBe(
      'EVENT_AUDITED_TWICE',
    )
  })

  it('is refused by two different mixins of one event', () => {
    const withAnotherLoginAudit = auditMixin({ event: 'login', method: 'post' })
    expect(codeOf(() => withAnotherLoginAudit(withLoginAudit(Account)))).toBe('EVENT_AUDITED_TWICE')
  })

  it('is refused by two decorators', () => {
    expect(
      codeOf(() => {
        class Twice {
          @AuditEvent('login')
          @AuditEvent('login')
          async post(): Promise<void> {}
        }
        void Twice
      }),
    ).toBe('EVENT_AUDITED_TWICE')
  })

  it('is refused by a decorator in the base and a mixin on it', () => {
    class Decorated {
      @AuditEvent('login')
      async post(): Promise<void> {}
    }
    expect(codeOf(() => withLoginAudit(Decorated))).toBe('EVENT_AUDITED_TWICE')
  })

  it('is refused by a mixin in the base and a decorator in the subclass', () => {
    expect(
      codeOf(() => {
        class Leaf extends withLoginAudit(Account) {
          @AuditEvent('login')
          override async post(): Promise<number> {
            return super.post()
          }
        }
        void Leaf
      }),
    ).toBe('EVENT_AUDITED_TWICE')
  })

  it('is refused by decorators in the base and in the subclass', () => {
    class Decorated {
      @AuditEvent('login')
      async post(): Promise<void> {}
    }
    expect(
      codeOf(() => {
        class Leaf extends Decorated {
          @AuditEvent('login')
          override async post(): Promise<void> {}
        }
        void Leaf
      }),
    ).toBe('EVENT_AUDITED_TWICE')
  })

  it('is refused by a hand-written mixin that says what it audits, above and below', () => {
    expect(codeOf(() => AbstractSignalMixin(withLoginAudit(Account), { post: 'login' }))).toBe('EVENT_AUDITED_TWICE')
    expect(codeOf(() => withLoginAudit(AbstractSignalMixin(Account, { post: 'login' }) as typeof Account))).toBe(
      'EVENT_AUDITED_TWICE',
    )
  })

  it('says who audits it already, and what to do', () => {
    class Decorated {
      @AuditEvent('login')
      async post(): Promise<void> {}
    }
    expect(() => withLoginAudit(Decorated)).toThrow(
      /withLoginAudit.*post\(\).*'login'.*@AuditEvent\('login'\).*Remove one/,
    )
  })
})

describe('what is no repetition', () => {
  it('is the same event on another method', () => {
    expect(codeOf(() => withLoginAudit(withLoginAudit(Account), { method: 'login' }))).toBeNull()
  })

  it('is another event on the same method', () => {
    expect(codeOf(() => withSignupAudit(withLoginAudit(Account)))).toBeNull()
  })

  it('is the same mixin on two classes with one base', () => {
    const Audited = withSignupAudit(Account)
    withLoginAudit(Audited)
    expect(codeOf(() => withLoginAudit(Audited))).toBeNull()
    expect(hooksOfMethod(Audited, 'post').hooks.map(({ event }) => event)).toEqual(['signup'])
  })
})

describe('the same scope on the same method twice', () => {
  it('is refused, as each attempt would count double', () => {
    const Limited = withThrottle(Account, { scope: 'login', method: 'post' })
    expect(codeOf(() => withThrottle(Limited, { scope: 'login', method: 'post' }))).toBe('EVENT_AUDITED_TWICE')
    expect(
      codeOf(() => {
        class Leaf extends Limited {
          @Throttle('login')
          override async post(): Promise<number> {
            return 1
          }
        }
        void Leaf
      }),
    ).toBe('EVENT_AUDITED_TWICE')
    expect(codeOf(() => withThrottle(Limited, { scope: 'burst', method: 'post' }))).toBeNull()
  })
})

describe('the same scope on two methods', () => {
  it('is no repetition', () => {
    class Two {
      async post(): Promise<number> {
        return 1
      }
      async again(): Promise<number> {
        return 2
      }
    }
    const Limited = withThrottle(Two, { scope: 'login', method: 'post' })
    expect(codeOf(() => withThrottle(Limited, { scope: 'login', method: 'again' }))).toBeNull()
  })
})

describe('what is known of a class', () => {
  class Leaf extends withLoginAudit(withThrottle(Account, { scope: 'login', method: 'post' })) {
    @AuditEvent('signup')
    override async login(): Promise<number> {
      return 1
    }
  }

  it('is every hook of it and of its ancestors, nearest first', () => {
    expect(hooksOf(Leaf).hooks.map(({ event, method }) => `${event} ${method}`)).toEqual(['signup login', 'login post'])
    expect(hooksOf(Leaf).throttles).toMatchObject([{ scope: 'login', method: 'post' }])
    expect(hooksOfMethod(Leaf, 'post')).toMatchObject({ hooks: [{ event: 'login' }], throttles: [{ scope: 'login' }] })
  })

  it('is who audits it, and whether that makes the event known', () => {
    const ByHand = AbstractSignalMixin(Leaf, { login: 'stock_check' })
    expect(hooksOf(ByHand).hooks.map(({ event, by, declares }) => [event, by, declares])).toEqual([
      ['stock_check', 'AbstractSignalMixin', true],
      ['signup', "@AuditEvent('signup')", false],
      ['login', 'withLoginAudit', true],
    ])
  })

  it('is of its method: no hook and no throttle of another one', () => {
    const { hooks, throttles } = hooksOfMethod(Leaf, 'login')
    expect(hooks.map(({ event }) => event)).toEqual(['signup'])
    expect(throttles).toEqual([])
  })

  it('stands where another copy of this package looks for it', () => {
    expect(Object.getOwnPropertySymbols(Leaf)).toContain(Symbol.for('countersign.hooks'))
  })

  it('is not known of its base', () => {
    expect(isHooked(Leaf)).toBe(true)
    expect(isHooked(Account)).toBe(false)
    expect(hooksOf(Account)).toEqual({ hooks: [], throttles: [] })
  })

  it('is that a hand-written mixin audits, though it does not say what', () => {
    expect(isHooked(AbstractSignalMixin(Account))).toBe(true)
  })

  it('begins with the class itself and ends with its last ancestor', () => {
    expect(lineage(Leaf).at(0)).toBe(Leaf)
    expect(lineage(Leaf).at(-1)).toBe(Account)
  })
})
