import { defineEntity, type InferEntity, p } from '@mikro-orm/core'

/** What an account says of itself. The database makes one with every account, however that comes to be. */
export const Profile = defineEntity({
  name: 'Profile',
  tableName: 'auth_profile',
  properties: {
    userId: p.uuid().fieldName('user_id').primary(),
    firstName: p.string().default(''),
    lastName: p.string().default(''),
    bio: p.text().default(''),
    location: p.string().default(''),
    marketingConsent: p.boolean().default(false),
    /** When the consent was given or withdrawn last; null for who never decided. */
    marketingConsentUpdatedAt: p.datetime().nullable(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
})
export type Profile = InferEntity<typeof Profile>

/** One decision about a consent: what was agreed to, in which wording, or withdrawn. Only ever added to. */
export const Consent = defineEntity({
  name: 'Consent',
  tableName: 'auth_consent',
  properties: {
    id: p.uuid().primary(),
    userId: p.uuid().fieldName('user_id').index(),
    purpose: p.string(),
    given: p.boolean(),
    version: p.string(),
    decidedAt: p.datetime(),
  },
})
export type Consent = InferEntity<typeof Consent>
