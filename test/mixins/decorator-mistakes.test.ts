import { describe, expect, it } from 'vitest'
import { compiledFor, type DecoratorKind, decoratorKinds } from '../support/decorators.js'
import { codeOf } from '../support/recording.js'

const imports = `import { AuditEvent, Throttle, withLoginAudit } from '@countersign/mixins'\n`

/** Makes the class; what a decorator refuses, it refuses here. */
const applied =
  (kind: DecoratorKind, members: string, imported = kind) =>
  (): unknown =>
    compiledFor(kind, `${imports}export class Session { ${members} }`, imported)

/** What compiles as JavaScript only, and the code that it gets. */
const mistakes: Array<[string, string, string, RegExp]> = [
  ['a synchronous method', 'post() { return 1 }', 'HANDLER_SYNCHRONOUS', /post\(\), which is not asynchronous/],
  ['an arrow-function property', 'post = async () => 1', 'HANDLER_ESCAPES', /Write a method: async post\(…\) \{ … \}/],
  ['a getter', 'get post() { return undefined }', 'HANDLER_MISSING', /post/],
  ['a setter', 'set post(_value) {}', 'HANDLER_MISSING', /post/],
  ['a static method', 'static async post() {}', 'HANDLER_MISSING', /is on a static method, post\(\)/],
]

describe.each(decoratorKinds)('a decorator (%s)', (kind) => {
  it.each(mistakes)('on %s is refused when it is applied', (_, member, code, message) => {
    for (const decorator of ["@AuditEvent('login')", "@Throttle('login')"]) {
      const apply = applied(kind, `${decorator} ${member}`)
      expect(codeOf(apply)).toBe(code)
      expect(apply).toThrow(message)
      expect(apply).toThrow(decorator)
    }
  })

  it('twice on one method is refused when it is applied', () => {
    const twice = applied(kind, "@AuditEvent('login') @AuditEvent('login') async post() {}")
    expect(codeOf(twice)).toBe('EVENT_AUDITED_TWICE')
    expect(twice).toThrow(/'login' is audited there by @AuditEvent\('login'\) already\. Remove one of the two/)
    expect(codeOf(applied(kind, "@Throttle('login') @Throttle('login') async post() {}"))).toBe('EVENT_AUDITED_TWICE')
  })

  it('that repeats one of the base class is refused when it is applied', () => {
    const repeated = (decorator: string) => () =>
      compiledFor(
        kind,
        `${imports}class Base { ${decorator} async post() {} }
         class Between extends Base {}
         export class Session extends Between { ${decorator} async post() {} }`,
      )
    expect(codeOf(repeated("@AuditEvent('login')"))).toBe('EVENT_AUDITED_TWICE')
    expect(codeOf(repeated("@Throttle('login')"))).toBe('EVENT_AUDITED_TWICE')
  })

  it('is repeated by a mixin over its class, which is refused when it is applied', () => {
    const repeated = () =>
      compiledFor(kind, `${imports}class Base { @AuditEvent('login') async post() {} }\nwithLoginAudit(Base)`)
    expect(codeOf(repeated)).toBe('EVENT_AUDITED_TWICE')
  })

  it('of one event on two methods, or in two classes of one base, is no repetition', () => {
    const two = "@AuditEvent('login') async post() {} @AuditEvent('login') async again() {}"
    expect(codeOf(applied(kind, two))).toBeNull()
    const siblings = () =>
      compiledFor(
        kind,
        `${imports}class Base { @AuditEvent('signup') async post() {} }
         class One extends Base { @AuditEvent('login') async post() {} }
         class Two extends Base { @AuditEvent('login') async post() {} }`,
      )
    expect(codeOf(siblings)).toBeNull()
  })
})

describe('a decorator of the other kind', () => {
  it('says so when it was compiled without experimentalDecorators', () => {
    for (const decorator of ["@AuditEvent('login')", "@Throttle('login')"]) {
      const apply = applied('ES', `${decorator} async post() {}`, 'legacy')
      expect(codeOf(apply)).toBe('SETTING_INVALID')
      expect(apply).toThrow(
        `${decorator} was compiled without experimentalDecorators. Set it in tsconfig.json, or import the decorator from '@countersign/mixins/es'.`,
      )
    }
  })

  it('says so when it was compiled with experimentalDecorators', () => {
    for (const decorator of ["@AuditEvent('login')", "@Throttle('login')"]) {
      const apply = applied('legacy', `${decorator} async post() {}`, 'ES')
      expect(codeOf(apply)).toBe('SETTING_INVALID')
      expect(apply).toThrow(
        `${decorator} was compiled with experimentalDecorators. Take it out of tsconfig.json, or import the decorator from '@countersign/mixins'.`,
      )
    }
  })
})
