import { refuseLater } from './answers-later.js'
import type { Attempt } from './attempt.js'
import type { AuditedCall, CallOwner } from './audited-call.js'
import type { EventDefinition } from './catalogue.js'
import { classify, type Ending } from './classify.js'
import { cleanText } from './clean-text.js'
import type { AuditContext, Initiator } from './context.js'
import {
  type Actor,
  type Attempted,
  anonymous,
  canonicalIdentifier,
  maskIdentifier,
  textOf,
  toActor,
} from './identity.js'
import { keyedHashes, remembered } from './keyed-hash.js'
import { redactFrozen } from './redact.js'
import type { AuditRow, Device } from './row.js'
import {
  bounded,
  cleanActor,
  cleanAddress,
  cleanDevice,
  cleanHops,
  cleanSubject,
  foreign,
  longest,
} from './row-text.js'
import { wholeNumber } from './whole-number.js'

const noDetails: AuditRow['details'] = Object.freeze({})

/** What making a row needs from outside. */
export interface RowMakerOptions {
  readonly definitionOf: (event: string) => EventDefinition
  readonly key?: string | Uint8Array | undefined
  readonly device?: ((userAgent: string) => Device | null) | undefined
  /** Told of a step that failed; the row is made without it. */
  readonly onFault: (step: string, cause: unknown) => void
}

/** Turns a closed attempt into a row: classified, completed, bounded and without secrets. */
export class RowMaker {
  readonly #options: RowMakerOptions
  readonly #hashIdentifier: (text: string) => string
  readonly #hashSession: (text: string) => string

  constructor(options: RowMakerOptions) {
    this.#options = options
    const hashFor = keyedHashes(options.key)
    this.#hashIdentifier = hashFor('attempted')
    this.#hashSession = remembered(hashFor('session'))
  }

  identifierHash(identifier: string): string {
    return this.#hashIdentifier(boundedIdentifier(identifier))
  }

  make(attempt: Attempt, call: AuditedCall, ending: Ending): AuditRow {
    const { context, owner } = call
    const { outcome, reason, status } = classify(attempt, ending)
    const definition = this.#options.definitionOf(attempt.event)
    const throttling = attempt.throttling
    const userAgent = foreign(context.userAgent, longest.userAgent)
    const actor = this.#actor(attempt, call)
    return {
      id: attempt.id,
      occurredAt: new Date(attempt.openedAt),
      event: attempt.event,
      eventVersion: definition.version,
      outcome,
      reason: foreign(reason, longest.reason),
      severity: definition.severity[outcome],
      actor,
      onBehalfOf: onBehalfOf(attempt, actor, context.initiator),
      subject: attempt.subject ? cleanSubject(attempt.subject) : null,
      attempted: this.#attempted(attempt),
      className: bounded(owner.className, longest.className),
      methodName: bounded(call.methodName, longest.methodName),
      tenant: foreign(context.tenant, longest.tenant),
      sessionId: this.#session(attempt, context),
      requestId: bounded(context.requestId, longest.requestId),
      address: cleanAddress(context.address),
      proxies: cleanHops(context.proxies),
      userAgent,
      device: userAgent === null ? null : this.#device(userAgent),
      httpMethod: bounded(context.httpMethod, longest.httpMethod),
      route: foreign(context.route, longest.route),
      status,
      durationMs: Math.round((performance.now() - attempt.startedAt) * 1000) / 1000,
      scope: throttling ? bounded(throttling.scope, longest.scope) : null,
      limit: throttling ? wholeNumber(throttling.limit, Math.round) : null,
      retryAfter: throttling ? wholeNumber(throttling.retryAfter, Math.ceil) : null,
      details: attempt.details ? (redactFrozen(attempt.details) as AuditRow['details']) : noDetails,
      repeatCount: null,
      firstAt: null,
      lastAt: null,
      erasedAt: null,
    }
  }

  /** What a job may know of the running call: from where, who asked for it, and no secret. */
  sealable(call: AuditedCall | undefined, context: AuditContext): AuditContext {
    const attempt = call?.attempts.findLast(({ actor }) => actor) ?? call?.attempts.at(-1) ?? null
    const actor = call ? this.#actor(attempt, call) : (context.initiator?.actor ?? anonymous)
    return {
      requestId: bounded(context.requestId, longest.requestId) ?? undefined,
      tenant: foreign(context.tenant, longest.tenant) ?? undefined,
      address: cleanAddress(context.address) ?? undefined,
      proxies: cleanHops(context.proxies) ?? undefined,
      userAgent: foreign(context.userAgent, longest.userAgent) ?? undefined,
      sessionHash: this.#session(attempt, context) ?? undefined,
      initiator: { actor, onBehalfOf: onBehalfOf(attempt, actor, context.initiator) ?? undefined },
    }
  }

  #actor(attempt: Attempt | null, call: AuditedCall): Actor {
    if (attempt?.actor) return cleanActor(attempt.actor)
    const { owner, context, parent } = call
    // What is recorded inside of a call, by no controller, is done by whom the call is done by.
    if (!owner.actor && parent) return this.#actor(parent.attempts.find(({ actor }) => actor) ?? null, parent)
    return this.#sourceOf(owner, context) ?? context.initiator?.actor ?? anonymous
  }

  #sourceOf({ actor: source }: CallOwner, context: AuditContext): Actor | null {
    if (!source) return null
    try {
      const actor = source(context)
      refuseLater(actor)
      return actor ? cleanActor(toActor(actor)) : null
    } catch (cause) {
      this.#options.onFault('the actor source', cause)
      return null
    }
  }

  #session(attempt: Attempt | null, context: AuditContext): string | null {
    const text = textOf(attempt?.sessionId ?? context.sessionId)
    return text === null ? bounded(context.sessionHash, longest.sessionId) : this.#hashSession(text)
  }

  #attempted({ attempted }: Attempt): Attempted | null {
    if (typeof attempted !== 'string') return null
    const canonical = boundedIdentifier(attempted)
    if (canonical === '') return null
    return { hash: this.#hashIdentifier(canonical), masked: cleanText(maskIdentifier(canonical), 100) }
  }

  #device(userAgent: string): Device | null {
    if (!this.#options.device) return null
    try {
      return cleanDevice(this.#options.device(userAgent))
    } catch (cause) {
      this.#options.onFault('the device parser', cause)
      return null
    }
  }
}

/** In whose name: as the code says, else of whoever asked for what a service does. */
function onBehalfOf(attempt: Attempt | null, actor: Actor, initiator: Initiator | undefined): Actor | null {
  if (attempt?.onBehalfOf) return cleanActor(attempt.onBehalfOf)
  if (!initiator) return null
  const asked = initiator.onBehalfOf ?? (actor.type === 'service' ? initiator.actor : null)
  const isNobody = asked === null || asked.type === 'anonymous' || (asked.type === actor.type && asked.id === actor.id)
  return isNobody ? null : cleanActor(asked)
}

/** Whoever submits a megabyte does not make us hash one. */
function boundedIdentifier(identifier: string): string {
  return canonicalIdentifier(identifier.slice(0, 512))
}
