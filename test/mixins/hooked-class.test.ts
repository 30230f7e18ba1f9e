import {
  AbstractSignalMixin,
  type AnyClass,
  lineage,
  type MixinBase,
  withLoginAudit,
  withThrottle,
} from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../support/recording.js'

class Login {
  readonly given: unknown[]
  constructor(first: unknown, second: unknown) {
    this.given = [first, second]
  }
  async post(): Promise<string> {
    return 'in'
  }
}

type Given = { readonly given: unknown[] }
type Mixin = (Base: typeof Login) => MixinBase<Given>
const mixins: ReadonlyArray<readonly [string, Mixin, string, string[]]> = [
  ['a declared mixin', (Base) => withLoginAudit(Base), 'LoginAudited', ['post', 'throttled']],
  [
    'withThrottle',
    (Base) => withThrottle(Base, { scope: 'login', method: 'post' }),
    'ThrottledController',
    ['post', 'throttled'],
  ],
  ['AbstractSignalMixin', (Base) => AbstractSignalMixin(Base), 'SignalAudited', ['audited', 'throttled']],
]

describe.each(mixins)('the class that %s makes', (_, mixin, name, methods) => {
  const Made = mixin(Login) as AnyClass

  it('is one class above the base, with a name of its own', () => {
    expect(lineage(Made)).toEqual([Made, Login])
    expect(Made.name).toBe(name)
  })

  it('has what it adds as a class has its methods', () => {
    expect(Object.getOwnPropertyNames(Made.prototype).sort()).toEqual([...methods, 'constructor'].sort())
    for (const method of methods) {
      const { value, ...how } = Object.getOwnPropertyDescriptor(Made.prototype, method) as PropertyDescriptor
      expect(value.name).toBe(method)
      expect(how).toEqual({ writable: true, configurable: true, enumerable: false })
    }
  })

  it('has no constructor, so that containers find the parameters of the base', () => {
    expect(Function.prototype.toString.call(Made)).not.toMatch(/constructor\s*\(/)
    class Leaf extends (Made as MixinBase<Given>) {
      static readonly className = 'Leaf'
      static readonly actor = () => null
    }
    expect(new Leaf('mails', 'users').given).toEqual(['mails', 'users'])
  })

  it('refuses an instance that does not say what it is', () => {
    class Leaf extends (Made as MixinBase<Given>) {
      static readonly actor = () => null
    }
    expect(codeOf(() => new Leaf('mails', 'users'))).toBe('CLASS_NAME_INVALID')
  })
})
