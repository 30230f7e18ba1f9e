import { isIP } from 'node:net'
import { cleanText } from './clean-text.js'
import type { Hop } from './context.js'
import { type Actor, type Attempted, anonymous, isActorType, type Subject, textOf } from './identity.js'
import { redactText } from './redact.js'
import type { Device } from './row.js'

/** How long every text of a row may be: when the row is made, and again when somebody has changed it. */
export const longest = {
  reason: 64,
  className: 100,
  methodName: 100,
  tenant: 200,
  sessionId: 64,
  requestId: 64,
  userAgent: 512,
  httpMethod: 16,
  route: 256,
  scope: 100,
} as const

const maxId = 200
const maxName = 100
const maxHops = 32
const deviceParts = ['browser', 'os', 'type'] as const satisfies Array<keyof Device>

/** Text that somebody else wrote. */
export function foreign(text: unknown, limit: number): string | null {
  if (typeof text === 'string') return redactText(text, limit)
  const given = textOf(text)
  return given === null ? null : redactText(given, limit)
}

/** Text of our own users' making. */
export function bounded(text: unknown, limit: number): string | null {
  if (typeof text === 'string') return cleanText(text, limit)
  const given = textOf(text)
  return given === null ? null : cleanText(given, limit)
}

/** An address, or nothing where it is none: a store has no place for another text. */
export function cleanAddress(address: unknown): string | null {
  return typeof address === 'string' && isIP(address) !== 0 ? address : null
}

/** The way a request took, without the hops that have no address. */
export function cleanHops(hops: unknown): readonly Hop[] | null {
  if (!Array.isArray(hops)) return null
  const clean: Hop[] = []
  for (let index = 0; index < hops.length && index < maxHops; index++) {
    const hop = hops[index] as Partial<Hop> | null | undefined
    const address = cleanAddress(hop?.address)
    if (address !== null) clean.push(Object.freeze({ address, trusted: hop?.trusted === true }))
  }
  return Object.freeze(clean)
}

/** A device with nothing in it but its three texts. */
export function cleanDevice(device: Device | null): Device | null {
  if (typeof device !== 'object' || device === null) return null
  const clean: { -readonly [Part in keyof Device]: string } = {}
  for (const part of deviceParts) {
    const text = foreign(device[part], maxName)
    if (text !== null) clean[part] = text
  }
  return clean
}

/** An id or a label that can't be text is left out; the row is worth more. */
export function cleanActor(actor: Actor): Actor {
  const type = isActorType(actor.type) ? actor.type : 'user'
  const id = foreign(actor.id, maxId)
  const label = foreign(actor.label, maxId)
  if (label === null) return id === null ? (type === 'anonymous' ? anonymous : { type }) : { type, id }
  return id === null ? { type, label } : { type, label, id }
}

/** Null where there is no id that can be text: a subject that nobody can be found by is none. */
export function cleanSubject(subject: Subject): Subject | null {
  const type = foreign(subject.type, maxName)
  const id = foreign(subject.id, maxId)
  return type === null || id === null ? null : { type, id }
}

/** An identifier as somebody else's code gave it back: nothing in it but its hash and its masked form. */
export function cleanAttempted({ hash, masked }: Attempted): Attempted | null {
  const found = foreign(hash, 64)
  return found === null ? null : { hash: found, masked: foreign(masked, maxName) ?? '***' }
}
