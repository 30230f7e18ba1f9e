import {
  AbstractSignalMixin,
  AuditEvent,
  assignsClassName,
  factsOf,
  faultsOf,
  withLoginAudit,
  withThrottle,
} from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { codeOf, onlyRow, recording, thrownBy } from '../support/recording.js'

class Account {
  async post(): Promise<number> {
    return 1
  }
}
const actor = (): null => null
const malformed = ['', ' ', 'my-controller', '1st', 'a b', 'naïve', 'a.b', 'x'.repeat(101), 'login\n', 42, null, {}]

const bases: Array<[string, new () => Account]> = [
  ['withLoginAudit', withLoginAudit(Account) as new () => Account],
  ['withThrottle', withThrottle(Account, { scope: 'login', method: 'post' }) as new () => Account],
  ['AbstractSignalMixin', AbstractSignalMixin(Account) as unknown as new () => Account],
]

describe.each(bases)('a class with %s', (_, Base) => {
  it('is refused at construction when it has no className', () => {
    class SessionController extends Base {
      static readonly actor = actor
    }
    expect(codeOf(() => new SessionController())).toBe('CLASS_NAME_INVALID')
    expect(() => new SessionController()).toThrow(
      /SessionController has no className of its own\..*static readonly className = 'SessionController'/,
    )
  })

  it.each(malformed)('is refused at construction when its className is %j', (className) => {
    class SessionController extends Base {
      static readonly className = className
      static readonly actor = actor
    }
    expect(codeOf(() => new SessionController())).toBe('CLASS_NAME_INVALID')
  })

  it('is refused at construction when its className is inherited', () => {
    class Parent extends Base {
      static readonly className: string = 'Parent'
      static readonly actor = actor
    }
    class Child extends Parent {}
    expect(new Parent()).toBeInstanceOf(Parent)
    expect(codeOf(() => new Child())).toBe('CLASS_NAME_INVALID')
    expect(() => new Child()).toThrow(/Child.*inherits 'Parent', which names another class/)
  })

  it('is refused at construction when it does not say who acts', () => {
    class SessionController extends Base {
      static readonly className = 'SessionController'
    }
    expect(codeOf(() => new SessionController())).toBe('ACTOR_SOURCE_MISSING')
    expect(() => new SessionController()).toThrow(/static readonly actor = .*null says anonymous/)
  })

  it.each([null, undefined, 'user', {}])('is refused when its actor source is %j', (source) => {
    class SessionController extends Base {
      static readonly className = 'SessionController'
      static readonly actor = source
    }
    expect(codeOf(() => new SessionController())).toBe('ACTOR_SOURCE_MISSING')
  })

  it('is told of all its faults at once', () => {
    class SessionController extends Base {}
    expect(() => new SessionController()).toThrow(/className = 'SessionController'\n.*actor = /)
  })

  it('inherits an actor source', () => {
    class Parent extends Base {
      static readonly className: string = 'Parent'
      static readonly actor = actor
    }
    class Child extends Parent {
      static override readonly className = 'Child'
    }
    expect(factsOf(new Child())).toMatchObject({ className: 'Child', controller: Child })
  })

  it.each(['A', 'SessionController', '_private', '$dollar', 'x'.repeat(100)])('may be called %s', (className) => {
    class SessionController extends Base {
      static readonly className = className
      static readonly actor = actor
    }
    expect(factsOf(new SessionController()).className).toBe(className)
  })
})

describe('a className in an instance field', () => {
  it('works the same', async () => {
    const recorded = recording()
    class SessionController extends withLoginAudit(Account) {
      className = 'SessionController'
      static readonly actor = actor
      static readonly trail = recorded.trail
    }
    await new SessionController().post()
    expect(onlyRow(recorded).className).toBe('SessionController')
  })

  it('is checked at the first call, as it does not exist before', async () => {
    const recorded = recording()
    class SessionController extends withLoginAudit(Account) {
      className = 'not a name'
      static readonly actor = actor
      static readonly trail = recorded.trail
    }
    const controller = new SessionController()
    expect(await thrownBy(() => controller.post())).toMatchObject({ code: 'CLASS_NAME_INVALID' })
    expect(recorded.rows).toEqual([])
  })

  it('does not excuse a static one that is no name', () => {
    class SessionController extends withLoginAudit(Account) {
      static readonly className = 'not a name'
      static readonly actor = actor
      className = 'SessionController'
    }
    expect(codeOf(() => new SessionController())).toBe('CLASS_NAME_INVALID')
  })

  it('is not the subclass’s own, and so refused for it', async () => {
    const recorded = recording()
    class Parent extends withLoginAudit(Account) {
      className = 'Parent'
      static readonly actor = actor
      static readonly trail = recorded.trail
    }
    class Child extends Parent {}
    await new Parent().post()
    expect(await thrownBy(() => new Child().post())).toMatchObject({ code: 'CLASS_NAME_INVALID' })
  })

  it('does not excuse a missing actor source', () => {
    class SessionController extends withLoginAudit(Account) {
      className = 'SessionController'
    }
    expect(codeOf(() => new SessionController())).toBe('ACTOR_SOURCE_MISSING')
  })
})

describe('a class that may set its className as a field', () => {
  it.each([
    ['class A { className="A" }', true],
    ['class A { constructor() { this.className = "A" } }', true],
    ['class A { static className = "A" }', false],
    ['class A { static  className = "A" }', false],
    ['class A { static\nclassName = "A" }', false],
    ['class A { subclassName = "A" }', false],
    ['class A { is() { return this.className } }', false],
    ['class A {}', false],
  ])('is seen in its source: %j', (source, assigns) => {
    expect(assignsClassName(new Function(`return ${source}`)())).toBe(assigns)
  })
})

describe('a class that only has decorators', () => {
  it('is checked at its first call, and its handler does not run', async () => {
    let ran = false
    class SessionController {
      @AuditEvent('login')
      async post(): Promise<void> {
        ran = true
      }
    }
    const error = await thrownBy(() => new SessionController().post())
    expect(error).toMatchObject({ code: 'CLASS_NAME_INVALID', message: expect.stringContaining('actor = ') })
    expect(ran).toBe(false)
  })
})

describe('a static trail', () => {
  it('can be replaced after the first call', async () => {
    const [first, second] = [recording(), recording()]
    class SessionController extends withLoginAudit(Account) {
      static readonly className = 'SessionController'
      static readonly actor = actor
      static trail = first.trail
    }
    const controller = new SessionController()
    await controller.post()
    SessionController.trail = second.trail
    await controller.post()
    expect([first.rows.length, second.rows.length]).toEqual([1, 1])
  })
})

describe('faultsOf', () => {
  it('lists what is wrong, each with its code and the line to write', () => {
    expect(faultsOf(Account)).toEqual([
      { code: 'CLASS_NAME_INVALID', message: expect.stringContaining("static readonly className = 'Account'") },
      { code: 'ACTOR_SOURCE_MISSING', message: expect.stringContaining('static readonly actor = ') },
    ])
  })

  it('suggests a name that could be one, for a class that has none', () => {
    expect(faultsOf(class {})[0]?.message).toMatch(/the class has no className.*'SessionController'/)
  })

  it('sees an instance field where it is shown an instance', () => {
    class SessionController {
      className = 'SessionController'
      static readonly actor = actor
    }
    expect(faultsOf(SessionController)).toHaveLength(1)
    expect(faultsOf(SessionController, new SessionController())).toEqual([])
  })
})
