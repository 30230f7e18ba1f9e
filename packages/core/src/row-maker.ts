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
  type Subject,
  toActor,
} from './identity.js'
import { keyedHashes } from './keyed-hash.js'
import { redact, redactText } from './redact.js'
import type { AuditRow, Device } from './row.js'

const maxName = 100
const maxId = 200
const maxUserAgent = 512
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
    const session = attempt.sessionId ?? context.sessionId
    const throttling = attempt.throttling
    const userAgent = foreign(context.userAgent, maxUserAgent)
    return {
      id: attempt.id,
      occurredAt: new Date(attempt.openedAt),
      event: attempt.event,
      eventVersion: definition.version,
      outcome,
      reason: bounded(reason, 64),
      severity: definition.severity[outcome],
      actor: this.#actor(attempt, call),
      onBehalfOf: attempt.onBehalfOf ? cleanActor(attempt.onBehalfOf) : null,
      subject: attempt.subject ? cleanSubject(attempt.subject) : null,
      attempted: this.#attempted(attempt),
      className: bounded(owner.className, maxName),
      methodName: bounded(call.methodName, maxName),
      tenant: foreign(context.tenant, maxId),
      sessionId: session === undefined ? null : this.#hashSession(session),
      requestId: bounded(context.requestId, 64),
      address: bounded(context.address, 64),
      proxies: context.proxies ?? null,
      userAgent,
      device: userAgent === null ? null : this.#device(userAgent),
      httpMethod: bounded(context.httpMethod, 16),
      route: foreign(context.route, 256),
      status,
      durationMs: Math.round((performance.now() - attempt.startedAt) * 1000) / 1000,
      scope: throttling ? bounded(throttling.scope, maxName) : null,
      limit: throttling ? throttling.limit : null,
      retryAfter: throttling ? throttling.retryAfter : null,
      details: attempt.details ? (redact(attempt.details) as AuditRow['details']) : noDetails,
      repeatCount: null,
      firstAt: null,
      lastAt: null,
      erasedAt: null,
    }
  }

  /** The last gate after somebody else's code has seen the row. */
  seal(row: AuditRow): AuditRow {
    return {
      ...row,
      reason: bounded(row.reason, 64),
      actor: cleanActor(row.actor),
      onBehalfOf: row.onBehalfOf && cleanActor(row.onBehalfOf),
      subject: row.subject && cleanSubject(row.subject),
      tenant: foreign(row.tenant, maxId),
      requestId: bounded(row.requestId, 64),
      userAgent: foreign(row.userAgent, maxUserAgent),
      route: foreign(row.route, 256),
      details: redact(row.details) as AuditRow['details'],
    }
  }

  #actor(attempt: Attempt, call: AuditedCall): Actor {
    if (attempt.actor) return cleanActor(attempt.actor)
    if (!call.owner.actor) return anonymous
    try {
      const actor = call.owner.actor(call.context)
      if (actor instanceof Promise) throw new TypeError('it answered with a promise; the actor must be known by now')
      return actor ? cleanActor(toActor(actor)) : anonymous
    } catch (cause) {
      this.#options.onFault('the actor source', cause)
      return anonymous
    }
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
      return this.#options.device(userAgent)
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

/** Text that somebody else wrote. */
function foreign(text: string | null | undefined, limit: number): string | null {
  return text === undefined || text === null ? null : redactText(String(text), limit)
}

function bounded(text: string | null | undefined, limit: number): string | null {
  return text === undefined || text === null ? null : cleanText(String(text), limit)
}

function cleanActor({ type, id, label }: Actor): Actor {
  if (id === undefined && label === undefined) return type === 'anonymous' ? anonymous : { type }
  if (label === undefined) return { type, id: redactText(String(id), maxId) }
  const named = { type, label: redactText(String(label), maxId) }
  return id === undefined ? named : { ...named, id: redactText(String(id), maxId) }
}

function cleanSubject({ type, id }: Subject): Subject {
  return { type: cleanText(String(type), maxName), id: redactText(String(id), maxId) }
}
