import { inspect } from 'node:util'
import { AuditError } from './audit-error.js'
import type { EventName } from './events.js'
import { assertKnownOptions, type KnownOptions } from './known-options.js'
import type { AuditSink } from './sink.js'
import type { AuditSpool } from './spool.js'

/** How a row is written: with the business change, before the response, or after it. */
export type Delivery = 'joined' | 'awaited' | 'deferred'

/** What happens to an attempt whose row can't be stored. */
export type WhenUnreachable = 'closed' | 'spool' | 'open'

/** A sentence that the compiler prints where a value can't be right. */
export interface AuditTypeError<Sentence extends string> {
  readonly [sentence]: Sentence
}
declare const sentence: unique symbol

type NeedsJoined = "unreachable: 'closed' needs delivery: 'joined': only then does nothing of a refused attempt remain"

/** A policy whose row stands or falls with what the attempt did; the compiler names it, and so the sentence, where it is missing. */
export interface JoinedPolicy<Sentence extends string = NeedsJoined> {
  readonly delivery: 'joined' | AuditTypeError<Sentence>
  readonly unreachable?: WhenUnreachable
}

/** Delivery and failure policy of an event. */
export type EventPolicy =
  | JoinedPolicy<NeedsJoined>
  | {
      readonly delivery?: 'awaited' | 'deferred'
      readonly unreachable?: 'spool' | 'open' | AuditTypeError<NeedsJoined>
    }

/** A policy with nothing left open. */
export interface KeptPolicy {
  readonly delivery: Delivery
  readonly unreachable: WhenUnreachable
}

const known: KnownOptions<KeptPolicy> = { delivery: true, unreachable: true }
const choices = {
  delivery: ['joined', 'awaited', 'deferred'] satisfies Delivery[] as readonly string[],
  unreachable: ['closed', 'spool', 'open'] satisfies WhenUnreachable[] as readonly string[],
}

/** The policies of a trail: what each event is promised, and that it can be kept. */
export class Policies {
  /** Whether any event is joined, or deferred: most trails have none. */
  readonly joins: boolean
  readonly defers: boolean
  readonly #usual: KeptPolicy
  readonly #own = new Map<string, KeptPolicy>()

  /**
   * Refuses what makes no sense, and what these parts can't keep: an attempt must never be
   * promised more than it gets.
   *
   * @throws AuditError `POLICY_INVALID`, `POLICY_UNSUPPORTED`, `EVENT_UNKNOWN`
   */
  constructor(
    policies: { readonly [Event in EventName]?: EventPolicy },
    parts: { readonly sink: AuditSink; readonly spool: AuditSpool | undefined },
    knows: (event: string) => boolean,
  ) {
    this.#usual = { delivery: 'awaited', unreachable: parts.spool ? 'spool' : 'open' }
    assertByEvent(policies)
    for (const [event, policy] of Object.entries(policies)) {
      if (!knows(event)) throw unknownEvent(event)
      if (policy === undefined) continue
      assertKnownOptions(`The policy of '${event}'`, policy, known, 'POLICY_INVALID')
      const { delivery = this.#usual.delivery, unreachable = this.#usual.unreachable } = policy as Partial<KeptPolicy>
      const kept = { delivery, unreachable }
      assertMeaning(event, kept)
      assertKept(event, kept, parts)
      this.#own.set(event, kept)
    }
    this.joins = [...this.#own.values()].some(({ delivery }) => delivery === 'joined')
    this.defers = [...this.#own.values()].some(({ delivery }) => delivery === 'deferred')
  }

  of(event: string): KeptPolicy {
    return this.#own.get(event) ?? this.#usual
  }
}

function unknownEvent(event: string): AuditError {
  return new AuditError(
    'EVENT_UNKNOWN',
    `policies names '${event}', which is no event of the catalogue. Write: events: { ${event}: { severity: 'low' } }`,
  )
}

function assertByEvent(policies: unknown): void {
  if (typeof policies === 'object' && policies !== null && !Array.isArray(policies)) return
  const message = `policies must be an object with a policy for each event, and was ${inspect(policies)}. Write: policies: { login: { delivery: 'joined' } }`
  throw new AuditError('POLICY_INVALID', message)
}

function assertMeaning(event: string, policy: KeptPolicy): void {
  const { delivery, unreachable } = policy
  for (const option of ['delivery', 'unreachable'] as const) {
    if (choices[option].includes(policy[option])) continue
    const message = `The policy of '${event}' says ${option}: ${inspect(policy[option])}. Write one of: ${choices[option].map((choice) => inspect(choice)).join(', ')}`
    throw new AuditError('POLICY_INVALID', message)
  }
  if (unreachable === 'closed' && delivery !== 'joined') {
    throw new AuditError(
      'POLICY_INVALID',
      `The policy of '${event}' says unreachable: 'closed' without delivery: 'joined'. Only a joined row can be refused together with what the attempt did; write both, or another reaction.`,
    )
  }
}

function assertKept(
  event: string,
  { delivery, unreachable }: KeptPolicy,
  { sink, spool }: { readonly sink: AuditSink; readonly spool: AuditSpool | undefined },
): void {
  if (delivery === 'joined' && !sink.transaction) {
    throw new AuditError(
      'POLICY_UNSUPPORTED',
      `The policy of '${event}' says delivery: 'joined', and the sink '${sink.name}' has no transactions that a change could share with its row. Use mikroOrmSink(orm), or another delivery.`,
    )
  }
  const needs =
    delivery === 'deferred' ? "delivery: 'deferred'" : unreachable === 'spool' ? "unreachable: 'spool'" : null
  if (needs === null || spool) return
  throw new AuditError(
    'POLICY_UNSUPPORTED',
    `The policy of '${event}' says ${needs}, and the trail has no spool. Write: createAuditTrail({ sink, spool: fileSpool({ folder: 'data/spool' }) })`,
  )
}
