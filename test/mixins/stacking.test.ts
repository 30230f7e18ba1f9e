import '../support/events.js'
import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { runInContext } from '@countersign/core'
import {
  AbstractSignalMixin,
  AuditEvent,
  type MixinBase,
  mix,
  Throttle,
  withLoginAudit,
  withSignupAudit,
  withThrottle,
} from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { decorate, finished, type Handler, handling, Refusal, served } from '../support/controllers.js'
import { codeOf, recording, summary } from '../support/recording.js'

type Layer = (Base: any) => any

it.each([
  ['no function', undefined, /Mixin 1 of mix is undefined/],
  ['a function that returns no class', () => undefined, /Mixin 1 of mix returned undefined/],
])('mix refuses %s', (_, layer, message) => {
  expect(
    codeOf(() =>
      mix(
        handling(async () => 1),
        layer as never,
      ),
    ),
  ).toBe('SETTING_INVALID')
  expect(() =>
    mix(
      handling(async () => 1),
      layer as never,
    ),
  ).toThrow(message)
})

interface Posting {
  post(...args: any[]): Promise<unknown>
}

/** A class on top that overrides the method, hands on to the one below, and is decorated. */
function overridden(Base: any, ...decorators: MethodDecorator[]): any {
  class Override extends Base {
    async post(...args: unknown[]): Promise<unknown> {
      return (super.post as Handler)(...args)
    }
  }
  decorate(Override as never, 'post', ...decorators)
  return Override
}

function byHand<Base extends MixinBase<Posting>>(Base: Base, methods: Record<string, 'invoice_payment'>): any {
  abstract class HandAudited extends AbstractSignalMixin(Base, methods) {
    override async post(...args: any[]): Promise<unknown> {
      return this.audited('invoice_payment', { invoiceId: 'i-1' }, () => super.post(...args))
    }
  }
  return HandAudited
}

const layers: Record<string, Layer> = {
  'mixin login': (Base) => withLoginAudit(Base),
  'mixin signup': (Base) => withSignupAudit(Base),
  'decorator logout': (Base) => overridden(Base, AuditEvent('logout') as MethodDecorator),
  'plain override': (Base) => overridden(Base),
  'by hand': (Base) => byHand(Base, { post: 'invoice_payment' }),
  'by hand, undeclared': (Base) => byHand(Base, {}),
  'mixin throttle': (Base) => withThrottle(Base, { scope: 'login', method: 'post' }),
  'decorator throttle': (Base) => overridden(Base, Throttle('burst') as MethodDecorator),
}
const eventOf: Record<string, string> = {
  'mixin login': 'login',
  'mixin signup': 'signup',
  'decorator logout': 'logout',
  'by hand': 'invoice_payment',
  'by hand, undeclared': 'invoice_payment',
}

function permutations<Item>(items: readonly Item[]): Item[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]))
}

/** The controller with these layers, the first one innermost. */
function stacked(names: readonly string[], handler: Handler, recorded: ReturnType<typeof recording>): Posting {
  const Stack = names.reduce((Base, name) => (layers[name] as Layer)(Base), handling(handler) as any)
  return new (finished(Stack, recorded))() as Posting
}

const ok: Handler = async () => 'ok'
const refuse: Handler = async () => {
  throw new Refusal(401, 'bad_credentials')
}
const stacks: Record<string, string[]> = {
  'mixins and a decorator': ['mixin login', 'mixin signup', 'decorator logout', 'plain override'],
  'with a hand-written mixin': ['mixin login', 'decorator logout', 'by hand', 'plain override'],
  'with one that does not say what it audits': ['mixin login', 'decorator logout', 'by hand, undeclared'],
}
const limiter = () => flexibleLimiter({ scopes: { login: '1/h', burst: null } })

/** What a test of every order found wrong, by order. */
async function wrongOrders(
  names: readonly string[],
  check: (order: readonly string[]) => Promise<unknown>,
): Promise<Record<string, unknown>> {
  const wrong: Record<string, unknown> = {}
  for (const order of permutations(names)) {
    const found = await check(order)
    if (found !== undefined) wrong[order.join(' < ')] = found
  }
  return wrong
}

function eventsOf(names: readonly string[], outcome: string): string[] {
  return names
    .flatMap((name) => eventOf[name] ?? [])
    .map((event) => `${event} ${outcome}`)
    .sort()
}

const different = (found: unknown, expected: unknown): unknown =>
  JSON.stringify(found) === JSON.stringify(expected) ? undefined : found

describe.each(Object.entries(stacks))('several audits on one method, %s', (_, names) => {
  it.each<[string, Handler]>([
    ['success', ok],
    ['failure', refuse],
  ])('leave one row each for a %s, in whatever order they are stacked', async (outcome, handler) => {
    const wrong = await wrongOrders(names, async (order) => {
      const recorded = recording()
      await stacked(order, handler, recorded)
        .post()
        .catch(() => undefined)
      return different(summary(recorded), eventsOf(names, outcome))
    })
    expect(wrong).toEqual({})
  })

  it('leave one row each where an adapter opened the call', async () => {
    const wrong = await wrongOrders(names, async (order) => {
      const recorded = recording()
      await served(stacked(order, refuse, recorded), 'post', [], recorded, { status: 401 })
      return different(summary(recorded), eventsOf(names, 'failure'))
    })
    expect(wrong).toEqual({})
  })

  it('name the method, whatever their order', async () => {
    const wrong = await wrongOrders(names, async (order) => {
      const recorded = recording()
      await stacked(order, ok, recorded).post()
      return different([...new Set(recorded.rows.map(({ methodName }) => methodName))], ['post'])
    })
    expect(wrong).toEqual({})
  })

  it('run the handler once', async () => {
    const wrong = await wrongOrders(names, async (order) => {
      let runs = 0
      await stacked(order, async () => ++runs, recording()).post()
      return different(runs, 1)
    })
    expect(wrong).toEqual({})
  })
})

describe.each<[string, string[]]>([
  ['mixins', ['mixin login', 'mixin signup', 'mixin throttle']],
  ['mixins and decorators', ['mixin login', 'decorator logout', 'mixin throttle', 'decorator throttle']],
  ['a hand-written mixin', ['mixin login', 'by hand', 'mixin throttle']],
])('a throttle among %s', (_, names) => {
  it('refuses before the handler runs and marks every audited event, in whatever order they are stacked', async () => {
    const wrong = await wrongOrders(names, async (order) => {
      const recorded = recording({ limiter: limiter() })
      let runs = 0
      const controller = stacked(order, async () => ++runs, recorded)
      await runInContext({ address: '192.0.2.1' }, async () => {
        await controller.post()
        await controller.post().catch(() => undefined)
      })
      const rows = recorded.rows.filter(({ outcome }) => outcome !== 'success')
      const found = { runs, rows: summary({ rows }), scopes: [...new Set(rows.map(({ scope }) => scope))] }
      return different(found, { runs: 1, rows: eventsOf(names, 'denied'), scopes: ['login'] })
    })
    expect(wrong).toEqual({})
  })
})

describe('a hand-written mixin that does not say what it audits', () => {
  it('leaves one row together with a declared one of the same event, whichever is on top', async () => {
    const sameEvent: Layer = (Base) => {
      abstract class HandAudited extends AbstractSignalMixin(Base as MixinBase<Posting>) {
        override async post(...args: any[]): Promise<unknown> {
          return this.audited('login', {}, () => super.post(...args))
        }
      }
      return HandAudited
    }
    const another: Layer = (Base) => withSignupAudit(Base)
    for (const order of permutations<Layer>([(Base) => withLoginAudit(Base), sameEvent, another])) {
      const recorded = recording()
      const Stack = order.reduce((Base, layer) => layer(Base), handling(ok) as any)
      await (new (finished(Stack, recorded))() as Posting).post()
      expect(summary(recorded)).toEqual(['login success', 'signup success'])
    }
  })
})

describe('mix', () => {
  it('applies the first mixin innermost, and leaves the rows of all', async () => {
    const recorded = recording()
    const applied: string[] = []
    const Mixed = mix(
      handling(ok),
      (B) => {
        applied.push('login')
        return withLoginAudit(B)
      },
      (B) => {
        applied.push('signup')
        return withSignupAudit(B)
      },
    )
    await new (finished(Mixed, recorded))().post()
    expect(applied).toEqual(['login', 'signup'])
    expect(summary(recorded)).toEqual(['login success', 'signup success'])
  })
})

describe('subclass and base', () => {
  class Base extends withLoginAudit(handling(ok)) {
    static readonly actor = (): null => null
  }

  it('both leave every row: the base alone, and a subclass with an audit of its own', async () => {
    const [base, leaf] = [recording(), recording()]
    await new (finished(Base, base))().post()
    await new (finished(overridden(Base, AuditEvent('signup') as MethodDecorator) as typeof Base, leaf))().post()
    expect(summary(base)).toEqual(['login success'])
    expect(summary(leaf)).toEqual(['login success', 'signup success'])
  })
})
