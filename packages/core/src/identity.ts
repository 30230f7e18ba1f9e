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

export const anonymous: Actor = Object.freeze({ type: 'anonymous' })

const actorTypes: ReadonlySet<unknown> = new Set<Actor['type']>(['user', 'service', 'anonymous'])

/** An {@link Actor} with nothing in it but type, id and label: entities carry more than a row may. */
export function toActor(like: ActorLike): Actor {
  const { id, label } = like
  const type: Actor['type'] = 'type' in like && actorTypes.has(like.type) ? like.type : 'user'
  return {
    type,
    ...(id === undefined || id === null ? {} : { id: String(id) }),
    ...(typeof label === 'string' ? { label } : {}),
  }
}

/** Brings what was typed into one form: NFKC, no outer space, lower case. */
export function canonicalIdentifier(raw: string): string {
  return raw.normalize('NFKC').trim().toLowerCase()
}

const address = /^([^\s@]{1,64})@([^\s@.]+(?:\.[^\s@.]+)*)\.([a-z]{2,6})$/

/**
 * The readable remainder of an identifier: `j***@e***.com`; anything that is no e-mail address
 * (people type passwords into the wrong field) leaves `***`.
 */
export function maskIdentifier(canonical: string): string {
  const match = address.exec(canonical)
  if (!match) return '***'
  const [, local = '', domain = '', top = ''] = match
  return `${firstCharacter(local)}***@${firstCharacter(domain)}***.${top}`
}

function firstCharacter(text: string): string {
  return String.fromCodePoint(text.codePointAt(0) ?? 0x2a)
}
