import { AuditError } from './audit-error.js'

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

const deliveries: ReadonlySet<unknown> = new Set<Delivery>(['joined', 'awaited', 'deferred'])
const reactions: ReadonlySet<unknown> = new Set<WhenUnreachable>(['closed', 'spool', 'open'])

/**
 * Refuses, when the trail is made, a policy that makes no sense or that this version can't keep:
 * an attempt must never be promised more than it gets.
 * @throws AuditError `POLICY_INVALID`, `POLICY_UNSUPPORTED`
 */
export function assertPolicy(event: string, policy: EventPolicy): void {
  const { delivery = 'awaited', unreachable = 'open' } = policy
  if (!deliveries.has(delivery) || !reactions.has(unreachable)) {
    throw new AuditError('POLICY_INVALID', `The policy of '${event}' names an unknown delivery or reaction.`)
  }
  if (unreachable === 'closed' && delivery !== 'joined') {
    throw new AuditError(
      'POLICY_INVALID',
      `The policy of '${event}' says unreachable: 'closed' without delivery: 'joined'. Only a joined row can be refused together with what the attempt did; write both, or another reaction.`,
    )
  }
  if (delivery !== 'awaited' || unreachable !== 'open') {
    throw new AuditError(
      'POLICY_UNSUPPORTED',
      `The policy of '${event}' asks for delivery: '${delivery}', unreachable: '${unreachable}'. This version delivers 'awaited' rows and counts and signals a loss ('open'); leave the policy out.`,
    )
  }
}
