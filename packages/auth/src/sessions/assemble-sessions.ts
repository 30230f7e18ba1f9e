import type { SqlClient } from '@countersign/adapters/mikro-orm'
import type { Secrets } from '@countersign/core/keys'
import type { MikroORM } from '@mikro-orm/core'
import type { AuthSettings } from '../auth-settings.js'
import type { Replacing } from '../extending/service-replacements.js'
import type { Mails } from '../mails/mails.js'
import { withDefaults } from '../settings/with-defaults.js'
import { AccessTokens } from './access-tokens.js'
import { CsrfTokens } from './csrf-tokens.js'
import { originPolicy } from './origin-policy.js'
import { RefreshTokens } from './refresh-tokens.js'
import { RequestGuard } from './request-guard.js'
import { type SessionCookies, sessionCookies } from './session-cookies.js'
import { SessionList } from './session-list.js'
import { type SessionLifetimes, Sessions } from './sessions.js'
import { SigningKeys } from './signing-keys.js'

const hour = 3600
const day = 86_400

/** An hour without use and twelve in all; with "remember me" a week and thirty days. */
const usualLifetimes: SessionLifetimes = {
  usual: { idle: hour, absolute: 12 * hour },
  remembered: { idle: 7 * day, absolute: 30 * day },
}

/** What this room is made with. */
export interface SessionRoomParts {
  readonly secrets: Secrets
  readonly orm: MikroORM
  readonly statements: SqlClient
  readonly mails: Mails
  readonly replaced: Replacing
}

/** The services of this room. */
export interface SessionRoom {
  readonly sessions: Sessions
  readonly cookies: SessionCookies
  readonly csrfTokens: CsrfTokens
  readonly guard: RequestGuard
  readonly signingKeys: SigningKeys
  readonly sessionList: SessionList
}

/** Makes the services of this room, each of those it works with. */
export function assembleSessions(settings: AuthSettings, parts: SessionRoomParts): SessionRoom {
  const { secrets, orm, statements, mails, replaced } = parts
  const { lifetime = 600, algorithm = 'EdDSA', overlap = hour, ...names } = settings.accessTokens ?? {}
  const { issuer = settings.publicUrl, audience = 'countersign-api' } = names
  const { grace = 10, perHour = 120 } = settings.refreshTokens ?? {}
  const lifetimes = {
    usual: withDefaults(usualLifetimes.usual, settings.sessionLifetimes?.usual),
    remembered: withDefaults(usualLifetimes.remembered, settings.sessionLifetimes?.remembered),
  }
  const idle = { usual: lifetimes.usual.idle, remembered: lifetimes.remembered.idle }
  const keys = new SigningKeys({ orm, secrets, algorithm, overlap: Math.max(overlap, lifetime) })
  const signingKeys = replaced('signingKeys', keys)
  const accessTokens = new AccessTokens({ keys: signingKeys, issuer, audience, seconds: lifetime })
  const refreshTokens = new RefreshTokens({ secrets, grace, idle, perHour })
  const sessions = replaced(
    'sessions',
    new Sessions({ orm, statements, accessTokens, refreshTokens, lifetimes, mails }),
  )
  const cookies = replaced('cookies', sessionCookies(settings))
  const csrfTokens = replaced('csrfTokens', new CsrfTokens(secrets))
  const isAllowedOrigin = originPolicy(settings)
  const guard = replaced('guard', new RequestGuard({ sessions, cookies, csrfTokens, isAllowedOrigin }))
  const sessionList = replaced('sessionList', new SessionList({ orm, sessions }))
  return { sessions, cookies, csrfTokens, guard, signingKeys, sessionList }
}
