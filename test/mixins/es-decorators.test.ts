import { type AnyClass, hooksOf, isHooked, AuditEvent as LegacyAuditEvent, withLoginAudit } from '@countersign/mixins'
import { AuditEvent } from '@countersign/mixins/es'
import { describe, expect, it } from 'vitest'
import { decorate, type Handler } from '../support/controllers.js'
import { compiledFor } from '../support/decorators.js'
import { codeOf, onlyRow, recording, thrownBy } from '../support/recording.js'

type Concrete = new (...args: any[]) => { post(...args: any[]): Promise<unknown> }

const facts = "static className = 'Session'; static actor = () => null"

/** The class `Session` of a source, in which the ES decorators and some mixins are known. */
function sessionOf(source: string): Concrete {
  const imports = "import { AuditEvent, Throttle, withLoginAudit, withThrottle } from '@countersign/mixins'\n"
  return compiledFor<{ Session: Concrete }>('ES', `${imports}${source}`).Session
}

describe('a method with an ES decorator', () => {
  const Session = sessionOf(`
    const guarded = (method) => Reflect.defineMetadata('roles', ['admin'], method)
    export class Session { @AuditEvent('login') @Throttle('login') @guarded async post(body, address) {} }`)
  const { post } = Session.prototype as { post: Handler }

  it('keeps its name and its length', () => {
    expect([post.name, post.length]).toEqual(['post', 2])
  })

  it('is an AsyncFunction, and no enumerable property', () => {
    expect(post.constructor.name).toBe('AsyncFunction')
    expect(Object.keys(Session.prototype)).toEqual([])
  })

  it('keeps the metadata of the function', () => {
    expect(Reflect.getOwnMetadata('roles', post)).toEqual(['admin'])
  })
})

describe('the hooks of a class with ES decorators', () => {
  const Session = sessionOf(`
    class Base {
      @AuditEvent('signup') async post() {}
    }
    class Between extends withThrottle(Base, { scope: 'burst', method: 'post' }) {}
    export class Session extends Between {
      @AuditEvent('login') @Throttle('login') async post() {}
    }`)

  it('are known before there is an instance, nearest first', () => {
    expect(isHooked(Session)).toBe(true)
    expect(hooksOf(Session).hooks.map(({ event, method, by }) => `${event} ${method} ${by}`)).toEqual([
      "login post @AuditEvent('login')",
      "signup post @AuditEvent('signup')",
    ])
    expect(hooksOf(Session).throttles.map(({ scope }) => scope)).toEqual(['login', 'burst'])
  })

  it('are not those of its base', () => {
    const Leaf = sessionOf(`
      class Base { async post() {} }
      export class Session extends Base { @AuditEvent('login') async post() {} }`)
    expect(isHooked(Object.getPrototypeOf(Leaf) as AnyClass)).toBe(false)
  })

  it('stand beside those of legacy decorators on a subclass', () => {
    class Leaf extends sessionOf("export class Session { @AuditEvent('login') async post() {} }") {
      override async post(): Promise<void> {}
    }
    expect(codeOf(() => decorate(Leaf, 'post', LegacyAuditEvent('login') as MethodDecorator))).toBe(
      'EVENT_AUDITED_TWICE',
    )
    decorate(Leaf, 'post', LegacyAuditEvent('logout') as MethodDecorator)
    expect(hooksOf(Leaf).hooks.map(({ event }) => event)).toEqual(['logout', 'login'])
  })

  it('are refused where a compiler gives no metadata, in one sentence', () => {
    const context = { kind: 'method', name: 'post', static: false, private: false, addInitializer() {} }
    const apply = AuditEvent('login') as unknown as (...args: unknown[]) => unknown
    expect(codeOf(() => apply(async () => 1, context))).toBe('SETTING_INVALID')
    expect(() => apply(async () => 1, context)).toThrow(/compiled without the metadata of decorators\. Compile with/)
  })

  it('are refused on a private method', () => {
    const apply = () => sessionOf("export class Session { @AuditEvent('login') async #post() {} }")
    expect(codeOf(apply)).toBe('HANDLER_MISSING')
    expect(apply).toThrow(/is on a private method, #post\(\)/)
  })
})

describe('an instance of a class with ES decorators', () => {
  const audited = "@AuditEvent('login') async post() { return 'in' }"

  it.each([
    ['no className', 'static actor = () => null', 'CLASS_NAME_INVALID', /static readonly className = 'Session'/],
    ['a malformed className', "static className = 'a b'; static actor = () => null", 'CLASS_NAME_INVALID', /a b/],
    ['no actor source', "static className = 'Session'", 'ACTOR_SOURCE_MISSING', /static readonly actor = /],
  ])('is refused at construction with %s', (_, statics, code, message) => {
    const Session = sessionOf(`export class Session { ${statics}; ${audited} }`)
    expect(codeOf(() => new Session())).toBe(code)
    expect(() => new Session()).toThrow(message)
  })

  it('is refused at construction when only an ancestor has decorators, or a throttle is all there is', () => {
    expect(codeOf(() => new (sessionOf(`class Base { ${audited} } export class Session extends Base {}`))())).toBe(
      'CLASS_NAME_INVALID',
    )
    expect(codeOf(() => new (sessionOf("export class Session { @Throttle('login') async post() {} }"))())).toBe(
      'CLASS_NAME_INVALID',
    )
  })

  it('may have its className in an instance field', async () => {
    const recorded = recording()
    const Session = sessionOf(`export class Session { className = 'Field'; static actor = () => null; ${audited} }`)
    Object.assign(Session, { trail: recorded.trail })
    await new Session().post()
    expect(onlyRow(recorded).className).toBe('Field')
  })

  it.each([
    ['audits', 'withLoginAudit(Base)', "@AuditEvent('login')", /@AuditEvent\('login'\).*'login'.*by withLoginAudit/],
    ['throttles', "withThrottle(Base, { scope: 'login', method: 'post' })", "@Throttle('login')", /'login' throttles/],
  ])('is refused when a mixin below %s the method for the same already', async (_, base, decorator, message) => {
    const Session = sessionOf(`
      class Base { async post() {} }
      export class Session extends ${base} { ${facts}; ${decorator} async post() {} }`)
    expect(codeOf(() => new Session())).toBe('EVENT_AUDITED_TWICE')
    expect(() => new Session()).toThrow(message)
    const call = () => (Session.prototype as { post: Handler }).post.call(Object.create(Session.prototype))
    expect(await thrownBy(call), 'nor without a constructor').toMatchObject({ code: 'EVENT_AUDITED_TWICE' })
  })

  it('is checked once for all instances', () => {
    const Session = sessionOf(`export class Session { ${facts}; ${audited} }`)
    new Session()
    Reflect.deleteProperty(Session, 'actor')
    expect(codeOf(() => new Session())).toBeNull()
  })

  it('can be extended by a mixin, and leaves one row for each event', async () => {
    const recorded = recording()
    const Base = sessionOf("export class Session { @AuditEvent('signup') async post() { return 'in' } }")
    class Leaf extends withLoginAudit(Base) {
      static readonly className = 'Leaf'
      static readonly actor = (): null => null
      static readonly trail = recorded.trail
    }
    expect(await new Leaf().post()).toBe('in')
    expect(recorded.rows.map(({ event, className }) => `${className} ${event}`)).toEqual(['Leaf login', 'Leaf signup'])
  })
})
