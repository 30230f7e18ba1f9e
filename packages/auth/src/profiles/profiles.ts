import { currentAttempt, currentFlow, rowId } from '@countersign/core'
import { type EntityManager, LockMode, type MikroORM } from '@mikro-orm/core'
import type { Principal } from '../sessions/sessions.js'
import { User } from '../store/entities.js'
import type { ListPart } from '../web/page-query.js'
import { Consent, Profile } from './profile-entities.js'

/** What {@link Profiles} works with. */
export interface ProfilesParts {
  readonly orm: MikroORM
  /** The wording that a consent is given to. */
  readonly consentVersion: string
}

/** What an owner may say in a profile. */
export type ProfileFields = Pick<Profile, 'firstName' | 'lastName' | 'bio' | 'location' | 'marketingConsent'>

/** What a profile says before anybody wrote in it. */
export const emptyProfile: ProfileFields = {
  firstName: '',
  lastName: '',
  bio: '',
  location: '',
  marketingConsent: false,
}

const marketing = 'marketing'

/** What accounts say of themselves, and what they agreed to. Knows no HTTP. */
export class Profiles {
  readonly #parts: ProfilesParts

  constructor(parts: ProfilesParts) {
    this.#parts = parts
  }

  async of(userId: string): Promise<Profile> {
    return this.#parts.orm.em.fork().findOneOrFail(Profile, { userId })
  }

  /**
   * Changes what is given and leaves the rest. A decision about the consent has the server's time,
   * and is one only if it differs from the last: then it is added to the history, and recorded.
   */
  async change({ userId, email }: Principal, changes: Partial<ProfileFields>): Promise<Profile> {
    const { orm, consentVersion } = this.#parts
    const user = { type: 'user', id: userId } as const
    currentAttempt('profile_update').subject(user)
    const { profile, changed } = await orm.em.fork().transactional(async (em) => {
      // The account's row first, everywhere: of two changes at the same time each sees the other's decision.
      await em.findOneOrFail(User, { id: userId }, { lockMode: LockMode.PESSIMISTIC_WRITE })
      return this.#write(em, userId, changes)
    })
    currentAttempt('profile_update').details({ fields: changed.map(snakeCase) })
    if (changed.includes('marketingConsent')) {
      const to = profile.marketingConsent
      // When it is committed: there must be no row of what was rolled back.
      await currentFlow()?.trail?.record('consent_update', {
        actor: { ...user, label: email },
        subject: user,
        details: { from: !to, to, version: consentVersion },
      })
    }
    return profile
  }

  /** The decisions of an account, newest first. */
  async consents(userId: string, { limit, before }: ListPart): Promise<Consent[]> {
    const wanted = { userId, ...(before === undefined ? {} : { id: { $lt: before } }) }
    return this.#parts.orm.em.fork().find(Consent, wanted, { orderBy: { id: 'desc' }, limit })
  }

  async #write(em: EntityManager, userId: string, changes: Partial<ProfileFields>): Promise<WrittenProfile> {
    const profile = await em.findOneOrFail(Profile, { userId })
    const changed = fieldsOf(changes).filter((field) => profile[field] !== changes[field])
    if (changed.length === 0) return { profile, changed }
    const now = new Date()
    Object.assign(profile, Object.fromEntries(changed.map((field) => [field, changes[field]])), { updatedAt: now })
    if (changed.includes('marketingConsent')) {
      profile.marketingConsentUpdatedAt = now
      const decision = { purpose: marketing, given: profile.marketingConsent, version: this.#parts.consentVersion }
      em.persist(em.create(Consent, { id: rowId(), userId, ...decision, decidedAt: now }))
    }
    return { profile, changed }
  }
}

interface WrittenProfile {
  readonly profile: Profile
  readonly changed: ReadonlyArray<keyof ProfileFields>
}

function fieldsOf(changes: Partial<ProfileFields>): Array<keyof ProfileFields> {
  return (Object.keys(emptyProfile) as Array<keyof ProfileFields>).filter((field) => changes[field] !== undefined)
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
