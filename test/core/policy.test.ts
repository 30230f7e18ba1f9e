import { type AuditSink, createAuditTrail, type EventPolicy, memorySink } from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import { describe, expect, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'
import { codeOf } from '../support/recording.js'

const make = (policies: object) => () => createAuditTrail({ sink: memorySink(), policies })

const deliveries = [undefined, 'joined', 'awaited', 'deferred'] as const
const reactions = [undefined, 'closed', 'spool', 'open'] as const

const joining: AuditSink = {
  name: 'joining',
  write: async () => undefined,
  transaction: { isOpen: () => false, write: async () => undefined, run: (run) => run() },
}
const parts: Record<string, { readonly spool?: boolean; readonly joins?: boolean }> = {
  'a plain sink': {},
  'a spool': { spool: true },
  'a sink with transactions': { joins: true },
  both: { spool: true, joins: true },
}

describe.each(Object.entries(parts))(
  'with %s, the policy of an event',
  (_, { spool, joins }: { spool?: boolean; joins?: boolean }) => {
    it.each(deliveries.flatMap((delivery) => reactions.map((unreachable) => ({ delivery, unreachable }))))(
      'is kept or refused, never quietly changed: %j',
      async (policy) => {
        const { delivery = 'awaited', unreachable = 'open' } = policy
        const nonsense = unreachable === 'closed' && delivery !== 'joined'
        const kept = (delivery !== 'joined' || joins) && ((delivery !== 'deferred' && unreachable !== 'spool') || spool)
        const used = spool === true && fileSpool({ folder: freshFolder() })
        const make = () =>
          createAuditTrail({
            sink: joins ? joining : memorySink(),
            ...(used ? { spool: used } : {}),
            policies: { login: policy as EventPolicy },
          })
        expect(codeOf(make)).toBe(nonsense ? 'POLICY_INVALID' : kept ? null : 'POLICY_UNSUPPORTED')
        if (used) await used.close()
      },
    )
  },
)

describe('the policy of an event', () => {
  it('is refused when it names an unknown delivery or reaction', () => {
    expect(codeOf(make({ login: { delivery: 'eventually' } }))).toBe('POLICY_INVALID')
    expect(codeOf(make({ login: { unreachable: 'panic' } }))).toBe('POLICY_INVALID')
    expect(codeOf(make({ login: { delivery: 'joined', unreachable: null } }))).toBe('POLICY_INVALID')
  })

  it('may be left open', () => {
    expect(codeOf(make({ login: undefined }))).toBeNull()
  })

  it('names the event and what to write', () => {
    expect(make({ logout: { unreachable: 'closed' } })).toThrow(/'logout'.*delivery: 'joined'/)
  })

  it.each(['logni', 'login.failure', ''])(
    'is refused for an event that nobody knows, which can only be a slip: %j',
    (name) => {
      expect(codeOf(make({ [name]: { delivery: 'awaited' } }))).toBe('EVENT_UNKNOWN')
    },
  )

  it('is taken for an event of your own', () => {
    const policies = { invoice_payment: { delivery: 'awaited' } } as object
    expect(codeOf(() => createAuditTrail({ sink: memorySink(), events: { invoice_payment: {} }, policies }))).toBeNull()
  })
})
