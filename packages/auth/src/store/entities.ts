import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { Consent, Profile } from '../profiles/profile-entities.js'
import { BackupCode, SecondFactor } from '../two-factor/two-factor-entities.js'

/** An account. Never serialised as it stands: `publicUser` says what leaves the server. */
export const User = defineEntity({
  name: 'User',
  tableName: 'auth_user',
  properties: {
    id: p.uuid().primary(),
    /** As it was given, for display and mail. */
    email: p.string(),
    /** What accounts are told apart by. */
    emailCanonical: p.string().unique(),
    /** As it was given; null where there is none. */
    username: p.string().nullable(),
    /** What names are told apart by. */
    usernameCanonical: p.string().nullable().unique(),
    /** A PHC string, or null for an account that can't log in with a password. */
    passwordHash: p.string().nullable(),
    isAdmin: p.boolean().default(false),
    /** Raised to end every token that was issued before. */
    tokenVersion: p.integer().default(0),
    createdAt: p.datetime(),
    verifiedAt: p.datetime().nullable(),
    disabledAt: p.datetime().nullable(),
    lastLoginAt: p.datetime().nullable(),
  },
})
export type User = InferEntity<typeof User>

/** A login, until it ends. */
export const Session = defineEntity({
  name: 'Session',
  tableName: 'auth_session',
  properties: {
    id: p.uuid().primary(),
    userId: p.uuid().fieldName('user_id').index(),
    createdAt: p.datetime(),
    /** When it ends however much it is used. */
    expiresAt: p.datetime(),
    /** When it ends unless it is used before. */
    idleUntil: p.datetime(),
    seenAt: p.datetime(),
    /** When somebody last proved to be the account's owner in it. */
    authenticatedAt: p.datetime(),
    /** How, in the words of RFC 8176, with blanks between: `pwd otp`. */
    amr: p.string().default('pwd'),
    endedAt: p.datetime().nullable(),
    address: p.string().nullable(),
    userAgent: p.string().nullable(),
    remember: p.boolean().default(false),
  },
})
export type Session = InferEntity<typeof Session>

/** A token that was mailed: stored as a hash, bound to its purpose, used once. */
export const OneTimeToken = defineEntity({
  name: 'OneTimeToken',
  tableName: 'auth_one_time_token',
  properties: {
    tokenHash: p.string().primary(),
    purpose: p.string(),
    userId: p.uuid().fieldName('user_id').index(),
    /** What using the token brings into force: the password that was chosen with it. */
    passwordHash: p.string().nullable(),
    /** What using the token brings into force: the address that the account gets. */
    email: p.string().nullable(),
    /** What using the token brings into force: the user name that was chosen with it. */
    username: p.string().nullable(),
    createdAt: p.datetime(),
    expiresAt: p.datetime(),
    usedAt: p.datetime().nullable(),
  },
})
export type OneTimeToken = InferEntity<typeof OneTimeToken>

/** A mail to be sent, written in the transaction that asks for it. */
export const Mail = defineEntity({
  name: 'Mail',
  tableName: 'auth_mail',
  properties: {
    id: p.uuid().primary(),
    recipient: p.string(),
    subject: p.string(),
    text: p.text(),
    html: p.text(),
    createdAt: p.datetime(),
  },
})
export type Mail = InferEntity<typeof Mail>

/** Every entity of the reference system. */
export const authEntities = [User, Session, OneTimeToken, Mail, Profile, Consent, SecondFactor, BackupCode] as const
