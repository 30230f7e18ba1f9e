import { inspect } from 'node:util'
import { AuditError } from './audit-error.js'

/** Who did it. `label` is for people to read and may be erased; `id` is opaque. */
export interface Actor {
  readonly type: 'user' | 'service' | 'anonymous'
  readonly id?: string
  readonly label?: string
}

/** Who or what it was done to. */
export interface Subject {
  readonly type: string
  readonly id: string
}

/** The identifier that was typed: its keyed hash to search by, its masked form to read. Never raw. */
export interface Attempted {
  readonly hash: string
  readonly masked: string
}

/** What {@link actAs} accepts: an actor, or anything with an id, which is then taken for a user. */
export type ActorLike = Actor | { readonly id: string | number; readonly label?: string }

/** Nobody that is known. */
export const anonymous: Actor = Object.freeze({ type: 'anonymous' })

const actorTypes: ReadonlySet<unknown> = new Set<Actor['type']>(['user', 'service', 'anonymous'])

/** True for a type that an actor may have. */
export function isActorType(type: unknown): type is Actor['type'] {
  return actorTypes.has(type)
}

/**
 * An {@link Actor} with nothing in it but type, id and label: entities carry more than a row may.
 * @throws AuditError `SETTING_INVALID`
 */
export function toActor(like: ActorLike): Actor {
  if (typeof like !== 'object' || like === null) {
    throw new AuditError(
      'SETTING_INVALID',
      `${inspect(like)} was given for an actor. Give an object with an id, or { type: 'anonymous' }.`,
    )
  }
  const { id, label } = like
  const type: Actor['type'] = 'type' in like && isActorType(like.type) ? like.type : 'user'
  const text = textOf(id)
  return {
    type,
    ...(text === null ? {} : { id: text }),
    ...(typeof label === 'string' ? { label } : {}),
  }
}

/** A value as text; null where there is none, or none can be made of it. Never throws. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return null
  try {
    return String(value)
  } catch {
    return null
  }
}

/** Brings what was typed into one form: NFKC, no outer space, lower case. */
export function canonicalIdentifier(raw: string): string {
  // Plain text is normal already, and most identifiers are plain.
  const normal = beyondAscii.test(raw) ? raw.normalize('NFKC') : raw
  return normal.trim().toLowerCase()
}

const beyondAscii = /[^\0-\x7f]/

// A password can look like an address: an ending is shown where many people share it, and no other.
const commonEndings: ReadonlySet<string> = new Set(['com', 'net', 'org', 'edu', 'gov', 'dev', 'app'])

const address = /^([^\s@]{1,64})@([^\s@.]+(?:\.[^\s@.]+)*)\.([a-z]{2,6})$/

/**
 * The readable remainder of an identifier: `j***@e***.com`; an unusual ending is hidden too, and anything that is no e-mail address
 * (people type passwords into the wrong field) leaves `***`.
 */
export function maskIdentifier(canonical: string): string {
  const match = address.exec(canonical)
  if (!match) return '***'
  const [, local = '', domain = '', top = ''] = match
  const ending = top.length === 2 || commonEndings.has(top) ? top : '***'
  return `${firstCharacter(local)}***@${firstCharacter(domain)}***.${ending}`
}

function firstCharacter(text: string): string {
  return String.fromCodePoint(text.codePointAt(0) ?? 0x2a)
}
