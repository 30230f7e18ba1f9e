import 'reflect-metadata'
import { AuditEvent, Throttle, withLoginAudit, withSignupAudit, withThrottle } from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { handling } from '../support/controllers.js'
import { recording } from '../support/recording.js'

class Body {}
class Sessions {}
const injectable: ClassDecorator = () => undefined
const guarded: MethodDecorator = (_, __, descriptor) => {
  Reflect.defineMetadata('roles', ['admin'], descriptor.value as object)
}

@injectable
class Login {
  constructor(readonly sessions: Sessions) {}
  @guarded
  async post(_body: Body, _ip: string): Promise<Sessions> {
    return this.sessions
  }
}

class Decorated extends Login {
  @AuditEvent('login')
  @Throttle('login')
  @guarded
  override async post(_body: Body, _ip: string): Promise<Sessions> {
    return this.sessions
  }
}
const Mixed = withSignupAudit(withLoginAudit(withThrottle(Login, { scope: 'login', method: 'post' })))

describe.each<[string, typeof Login]>([
  ['a mixin', Mixed as typeof Login],
  ['a decorator', Decorated],
])('a method hooked by %s', (_, Hooked) => {
  const { post } = Hooked.prototype

  it('keeps its name and its length', () => {
    expect(post.name).toBe('post')
    expect(post.length).toBe(2)
  })

  it('is an AsyncFunction, as decorators like @Transactional demand', () => {
    expect(post.constructor.name).toBe('AsyncFunction')
  })

  it('is no enumerable property, so that a copy of the prototype finds what it found before', () => {
    expect(Object.keys(Hooked.prototype)).toEqual([])
  })

  it('can be replaced, and named anew, as any method can', () => {
    const flags = (of: object, name: string) => {
      const { configurable, writable } = Object.getOwnPropertyDescriptor(of, name) ?? {}
      return { configurable, writable }
    }
    expect(flags(Hooked.prototype, 'post')).toEqual({ configurable: true, writable: true })
    for (const name of ['name', 'length']) expect(flags(post, name)).toEqual({ configurable: true, writable: false })
  })

  it('keeps the metadata of the function and of its place', () => {
    expect(Reflect.getOwnMetadata('roles', post)).toEqual(['admin'])
    expect(Reflect.getMetadata('design:paramtypes', Hooked.prototype, 'post')).toEqual([Body, String])
    expect(Reflect.getMetadata('design:returntype', Hooked.prototype, 'post')).toBe(Promise)
  })

  it('leaves the parameters that containers inject by visible, and passes them on', () => {
    class Leaf extends Hooked {
      static readonly className = 'Leaf'
      static readonly actor = (): null => null
    }
    const sessions = new Sessions()
    expect(Reflect.getMetadata('design:paramtypes', Leaf)).toEqual([Sessions])
    expect(new Leaf(sessions).sessions).toBe(sessions)
  })
})

describe('a hooked method', () => {
  it('gets `this` and its arguments as they were given', async () => {
    const seen: unknown[] = []
    const { trail } = recording()
    class Plain {
      async post(...args: unknown[]): Promise<void> {
        seen.push(this, ...args)
      }
    }
    class LoginController extends withLoginAudit(Plain) {
      static readonly className = 'LoginController'
      static readonly actor = (): null => null
      static readonly trail = trail
    }
    const controller = new LoginController()
    const body = Object.freeze({ email: 'ada@example.org' })
    await controller.post(body, undefined, 3)
    expect(seen[0]).toBe(controller)
    expect(seen[1]).toBe(body)
    expect(seen.slice(2)).toEqual([undefined, 3])
  })

  it('calls what its base class has when it is called, not what it had when it was hooked', async () => {
    const { trail } = recording()
    const Plain = handling(async () => 'old')
    class LoginController extends withLoginAudit(Plain) {
      static readonly className = 'LoginController'
      static readonly actor = (): null => null
      static readonly trail = trail
    }
    Plain.prototype.post = async () => 'new'
    expect(await new LoginController().post()).toBe('new')
  })

  it('keeps `instanceof`, statics and private fields of its class', async () => {
    const { trail } = recording()
    class Plain {
      static readonly route = '/login'
      #calls = 0
      async post(): Promise<number> {
        return ++this.#calls
      }
    }
    class LoginController extends withLoginAudit(Plain) {
      static readonly className = 'LoginController'
      static readonly actor = (): null => null
      static readonly trail = trail
    }
    const controller = new LoginController()
    await controller.post()
    expect(await controller.post()).toBe(2)
    expect(controller).toBeInstanceOf(Plain)
    expect(LoginController.route).toBe('/login')
  })

  it('adds a class to the stack whose name says what it is', () => {
    expect(withLoginAudit(Login).name).toBe('LoginAudited')
    expect(withLoginAudit.name).toBe('withLoginAudit')
  })
})
