import { refuseLater } from './answers-later.js'
import type { Attempt } from './attempt.js'
import type { AuditedCall } from './audited-call.js'
import type { EventDefinition } from './catalogue.js'
import { classify, type Ending } from './classify.js'
import { cleanText } from './clean-text.js'
import {
  type Actor,
  type Attempted,
  anonymous,
  canonicalIdentifier,
  maskIdentifier,
  textOf,
  toActor,
} from './identity.js'
import { keyedHashes } from './keyed-hash.js'
import { redact } from './redact.js'
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
    this.#hashSession = hashFor('session')
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
    return {
      id: attempt.id,
      occurredAt: new Date(attempt.openedAt),
      event: attempt.event,
      eventVersion: definition.version,
      outcome,
      reason: bounded(reason, longest.reason),
      severity: definition.severity[outcome],
      actor: this.#actor(attempt, call),
      onBehalfOf: attempt.onBehalfOf ? cleanActor(attempt.onBehalfOf) : null,
      subject: attempt.subject ? cleanSubject(attempt.subject) : null,
      attempted: this.#attempted(attempt),
      className: bounded(owner.className, longest.className),
      methodName: bounded(call.methodName, longest.methodName),
      tenant: foreign(context.tenant, longest.tenant),
      sessionId: this.#session(attempt.sessionId ?? context.sessionId),
      requestId: bounded(context.requestId, longest.requestId),
      address: cleanAddress(context.address),
      proxies: context.proxies === undefined ? null : cleanHops(context.proxies),
      userAgent,
      device: userAgent === null ? null : this.#device(userAgent),
      httpMethod: bounded(context.httpMethod, longest.httpMethod),
      route: foreign(context.route, longest.route),
      status,
      durationMs: Math.round((performance.now() - attempt.startedAt) * 1000) / 1000,
      scope: throttling ? bounded(throttling.scope, longest.scope) : null,
      limit: throttling ? throttling.limit : null,
      retryAfter: throttling ? throttling.retryAfter : null,
      details: attempt.details ? (redact(attempt.details) as AuditRow['details']) : noDetails,
      repeatCount: null,
      firstAt: null,
      lastAt: null,
      erasedAt: null,
    }
  }

  #actor(attempt: Attempt, call: AuditedCall): Actor {
    if (attempt.actor) return cleanActor(attempt.actor)
    if (!call.owner.actor) return anonymous
    try {
      const actor = call.owner.actor(call.context)
      refuseLater(actor)
      return actor ? cleanActor(toActor(actor)) : anonymous
    } catch (cause) {
      this.#options.onFault('the actor source', cause)
      return anonymous
    }
  }

  #session(session: unknown): string | null {
    const text = textOf(session)
    return text === null ? null : this.#hashSession(text)
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

/** Whoever submits a megabyte does not make us hash one. */
function boundedIdentifier(identifier: string): string {
  return canonicalIdentifier(identifier.slice(0, 512))
}
