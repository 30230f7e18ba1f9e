import {
  AbstractSignalMixin,
  AuditEvent,
  Throttle,
  withFailedResetAudit,
  withLoginAudit,
  withThrottle,
} from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../support/recording.js'

/** Every way of hooking `post` of a class by a mixin. */
const ways: Array<[string, (Base: any) => unknown]> = [
  ['withLoginAudit', (Base) => withLoginAudit(Base)],
  ['withThrottle', (Base) => withThrottle(Base, { scope: 'login', method: 'post' })],
  ['AbstractSignalMixin', (Base) => AbstractSignalMixin(Base, { post: 'login' })],
]

class Synchronous {
  post(): number {
    return 1
  }
}
class PromiseReturning {
  post(): Promise<number> {
    return Promise.resolve(1)
  }
}
class ArrowField {
  post = async (): Promise<number> => 1
}
class Nothing {}
abstract class OnlyAbstract {
  abstract post(): Promise<unknown>
}
class OnlyStatic {
  readonly kind = 'static'
  static async post(): Promise<number> {
    return 1
  }
}
class Accessor {
  get post(): number {
    return 1
  }
}
class Good {
  async post(): Promise<number> {
    return 1
  }
}
class ShadowingArrow extends Good {
  override post = async (): Promise<number> => 2
}
class Overridden extends Good {
  override async post(): Promise<number> {
    return 2
  }
}

describe.each(ways)('%s', (_, hook) => {
  it('refuses a class without the method', () => expect(codeOf(() => hook(Nothing))).toBe('HANDLER_MISSING'))

  it('refuses a method that is only abstract', () => expect(codeOf(() => hook(OnlyAbstract))).toBe('HANDLER_MISSING'))

  it('refuses a method that is only static', () => expect(codeOf(() => hook(OnlyStatic))).toBe('HANDLER_MISSING'))

  it('refuses what is no method', () => expect(codeOf(() => hook(Accessor))).toBe('HANDLER_MISSING'))

  it('refuses a synchronous method', () => expect(codeOf(() => hook(Synchronous))).toBe('HANDLER_SYNCHRONOUS'))

  it('refuses a method that returns a promise without being asynchronous', () => {
    expect(codeOf(() => hook(PromiseReturning))).toBe('HANDLER_SYNCHRONOUS')
  })

  it('refuses an arrow function in a field, which it could not reach', () => {
    expect(codeOf(() => hook(ArrowField))).toBe('HANDLER_ESCAPES')
  })

  it('refuses an arrow function in a field also where an ancestor has a method of that name', () => {
    expect(codeOf(() => hook(ShadowingArrow))).toBe('HANDLER_ESCAPES')
  })

  it.each([undefined, null, 7, 'post', {}, () => 1])('refuses what is no class: %s', (target) => {
    expect(codeOf(() => hook(target))).toBe('HANDLER_MISSING')
  })

  it('takes an inherited and an overridden method', () => {
    expect(codeOf(() => hook(class extends Good {}))).toBeNull()
    expect(codeOf(() => hook(Overridden))).toBeNull()
  })
})

it('finds an arrow function in a field of any name, and no other field for it', () => {
  class Priced {
    pay$ = async (): Promise<number> => 1
  }
  class Paying {
    async pay(): Promise<number> {
      return 1
    }
    repay = async (): Promise<number> => 1
  }
  expect(codeOf(() => withLoginAudit(Priced as never, { method: 'pay$' as never }))).toBe('HANDLER_ESCAPES')
  expect(codeOf(() => withLoginAudit(Paying, { method: 'pay' }))).toBeNull()
})

it('takes a method that has a parameter of its own name', () => {
  class Defaulting {
    async post({ post = (): number => 1 } = {}): Promise<number> {
      return post()
    }
  }
  expect(codeOf(() => withLoginAudit(Defaulting))).toBeNull()
})

describe('what is said', () => {
  it('names the mixin, the class and the method, and what to write', () => {
    expect(() => withFailedResetAudit(Nothing as never)).toThrow(
      /^withFailedResetAudit hooks Nothing\.post\(\), and there is no such method.*Write: async post\(…\) \{ … \}.*method: '…'/,
    )
    expect(() => withLoginAudit(Synchronous as never)).toThrow(
      /Synchronous\.post\(\).*not asynchronous.*Write: async post/,
    )
    expect(() => withLoginAudit(ArrowField as never)).toThrow(/ArrowField\.post.*arrow function.*Write a method/)
    expect(() => withLoginAudit(Good as never, { method: 'logIn' })).toThrow(/Good\.logIn\(\)/)
  })
})

const decorators: Array<[string, () => any]> = [
  ['@AuditEvent', () => AuditEvent('login')],
  ['@Throttle', () => Throttle('login')],
]

describe.each(decorators)('%s', (_, decorator) => {
  it('refuses a synchronous method, and names its class', () => {
    const declare = (): void => {
      class SessionController {
        @decorator()
        post(): number {
          return 1
        }
      }
      void SessionController
    }
    expect(codeOf(declare)).toBe('HANDLER_SYNCHRONOUS')
    expect(declare).toThrow(/SessionController\.post\(\)/)
  })

  it('refuses a static method', () => {
    expect(
      codeOf(() => {
        class SessionController {
          readonly kind = 'static'
          @decorator()
          static async post(): Promise<void> {}
        }
        void SessionController
      }),
    ).toBe('HANDLER_MISSING')
  })

  it('refuses an arrow function in a field', () => {
    expect(
      codeOf(() => {
        class SessionController {
          @decorator()
          post = async (): Promise<number> => 1
        }
        void SessionController
      }),
    ).toBe('HANDLER_ESCAPES')
  })

  it('refuses an accessor', () => {
    expect(
      codeOf(() => {
        class SessionController {
          @decorator()
          get post(): number {
            return 1
          }
        }
        void SessionController
      }),
    ).toBe('HANDLER_MISSING')
  })

  it('takes a method whose declared return type is a promise', () => {
    expect(
      codeOf(() => {
        class SessionController {
          @decorator()
          post(): Promise<number> {
            return Promise.resolve(1)
          }
        }
        void SessionController
      }),
    ).toBeNull()
  })
})
