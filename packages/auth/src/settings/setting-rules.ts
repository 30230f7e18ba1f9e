import { isSnakeCase } from '@countersign/core'
import type { AuthSettings } from '../auth-settings.js'
import { type Features, featureControllers } from '../extending/features.js'
import { replaceable } from '../extending/service-replacements.js'
import type { GrowingLockoutRule, LockoutRule, LockoutSettings } from '../limits/lockout-rules.js'
import type { BreachedPasswordsSettings } from '../passwords/breached-passwords.js'
import { faultOfRangesUrl } from '../passwords/ranges-url.js'
import type { LinkLifetimes } from '../store/one-time-tokens.js'
import {
  count,
  flag,
  group,
  listOf,
  madeWith,
  mustBe,
  oneOf,
  orNull,
  type Rule,
  type Rules,
  text,
  whole,
} from './rules.js'
import { weaknessOf } from './weak-secret.js'

const day = 86_400
const year = 366 * day
const tenYears = 3660

const limit = /^[1-9]\d{0,5}\/\d{0,5}\s?(?:s|sec|m|min|h|hour|d|day)$/
const cookieName = text('a name of letters, digits, - and _ without a prefix', /^(?!__)[\w-]{1,64}$/)
const origin = mustBe('an exact origin like https://app.example.org, without a path or *', isOrigin)
const lifetime = group<NonNullable<NonNullable<AuthSettings['sessionLifetimes']>['usual']>>({
  idle: count('seconds', 1, year),
  absolute: count('seconds', 1, year),
})

const lockout = {
  failures: count('failures', 1, 10_000),
  window: count('seconds', 1, day),
  duration: count('seconds', 1, 7 * day),
} as const satisfies Rules<LockoutRule>
const growingLockout = {
  ...lockout,
  longest: count('seconds', 1, 28 * day),
} as const satisfies Rules<GrowingLockoutRule>

const database: Rule = mustBe(
  '{ url } of a PostgreSQL server or { folder }',
  (value) => {
    const { url, folder } = Object(value) as { url?: unknown; folder?: unknown }
    return (typeof url === 'string' && url !== '') !== (typeof folder === 'string' && folder !== '')
  },
  // There is a password in the address.
  { isSecret: true },
)

const secret: Rule = {
  faultsOf(value, name) {
    if (typeof value !== 'string' && !(value instanceof Uint8Array)) return [`${name} must be a text or bytes`]
    const weakness = weaknessOf(value)
    return weakness === null ? [] : [`${name} ${weakness}`]
  },
}

const proxies = mustBe(
  'a number of proxies from 0 to 99 or a list of networks; true would let every client write its own address',
  (value) => (Number.isInteger(value) && Number(value) >= 0 && Number(value) < 100) || Array.isArray(value),
)

const rangesUrl: Rule = {
  faultsOf(value, name) {
    const fault = faultOfRangesUrl(value)
    return fault === null ? [] : [`${name} ${fault}`]
  },
}

const service = mustBe(
  'a function that gets ours and returns what stands in its place',
  (value) => typeof value === 'function',
)

const limits: Rule = {
  faultsOf(value, name) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return [`${name} must be an object by scope`]
    return Object.entries(value).flatMap(([scope, given]) => {
      if (!isSnakeCase(scope)) return [`${name}.${scope} must be named in snake_case`]
      return given === undefined ? [] : scopeLimit.faultsOf(given, `${name}.${scope}`)
    })
  },
}

const scopeLimit = mustBe("'10/min', { address: '10/min', failures: '5/5min' } or null to switch it off", (value) => {
  if (value === null || typeof value === 'string') return value === null || limit.test(value)
  const parts = Object.entries(Object(value) as object)
  const respects = ['address', 'identifier', 'failures']
  return parts.length > 0 && parts.every(([by, part]) => respects.includes(by) && (part === null || limit.test(part)))
})

/** What every setting must be. */
export const settingRules: Rules<AuthSettings> = {
  database,
  secret,
  publicUrl: mustBe('an origin like https://auth.example.org, without a path', isOrigin),
  production: flag,
  proxies,
  limits,
  lockouts: group<LockoutSettings>({
    account: orNull(group<GrowingLockoutRule>(growingLockout)),
    address: orNull(group<LockoutRule>(lockout)),
  }),
  redis: madeWith('a client of ioredis or iovalkey', 'call', 'defineCommand'),
  spoolFolder: text('a folder', /./),
  floods: group<NonNullable<AuthSettings['floods']>>({
    window: count('seconds', 1, day),
    budget: count('denials', 1, 1_000_000),
    flush: count('milliseconds', 1, 60_000),
    maxKeys: count('keys', 1, 10_000_000),
  }),
  metricsToken: text('16 characters or more: letters, digits and -._~+/=', /^[\w\-.~+/=]{16,}$/, { isSecret: true }),
  auditLog: group<NonNullable<AuthSettings['auditLog']>>({
    signer: madeWith('a signer of notes, as noteSigner makes one', 'sign'),
    anchors: listOf(madeWith('an anchor of checkpoints', 'publish', 'read')),
    approval: flag,
    retention: group<NonNullable<NonNullable<AuthSettings['auditLog']>['retention']>>({
      days: count('days', 1, 99_999),
      personalDays: count('days', 1, 99_999),
      disposal: oneOf('drop', 'archive'),
    }),
  }),
  passwordPolicy: group<NonNullable<AuthSettings['passwordPolicy']>>({
    minLength: count('characters', 8, 64),
    maxLength: count('characters', 64, 1024),
    siteNames: listOf(text('a name of 1 to 64 characters', /^[^\p{Cc}]{1,64}$/u)),
  }),
  breachedPasswords: group<BreachedPasswordsSettings>({
    url: rangesUrl,
    timeout: count('seconds', 1, 10),
    onFailure: oneOf('accept', 'refuse'),
  }),
  passwordHasher: madeWith('a hasher, as argon2idHasher makes one', 'hash', 'verify', 'needsRehash'),
  linkLifetimes: group<LinkLifetimes>({
    'verify-account': count('seconds', 1, 30 * day),
    'password-reset': count('seconds', 1, day),
    'email-change': count('seconds', 1, day),
    'email-change-undo': count('seconds', 1, 30 * day),
  }),
  usernames: flag,
  registration: oneOf('open', 'closed'),
  neverVerifiedDays: count('days', 1, tenYears),
  consentVersion: text('a name of 1 to 64 characters', /^[\w.-]{1,64}$/),
  accessTokens: group<NonNullable<AuthSettings['accessTokens']>>({
    lifetime: count('seconds', 1, 3600),
    algorithm: oneOf('EdDSA', 'ES256', 'HS256'),
    issuer: text('a text', /./),
    audience: text('a text', /./),
    rotateAfterDays: count('days', 1, tenYears),
    overlap: count('seconds', 0, 30 * day),
  }),
  sessionLifetimes: group<NonNullable<AuthSettings['sessionLifetimes']>>({ usual: lifetime, remembered: lifetime }),
  refreshTokens: group<NonNullable<AuthSettings['refreshTokens']>>({
    grace: count('seconds', 0, 60),
    perHour: count('exchanges', 1, 1_000_000),
  }),
  cookies: group<NonNullable<AuthSettings['cookies']>>({
    accessName: cookieName,
    refreshName: cookieName,
    sameSite: oneOf('lax', 'strict', 'none'),
    secure: flag,
    prefixed: flag,
  }),
  twoFactor: group<NonNullable<AuthSettings['twoFactor']>>({
    issuer: text('1 to 64 characters without a colon', /^[^:\p{Cc}]{1,64}$/u),
    backupCodes: count('codes', 1, 50),
    pendingLogin: count('seconds', 1, 3600),
    attempts: count('codes', 1, 20),
    failures: group<NonNullable<NonNullable<AuthSettings['twoFactor']>['failures']>>({
      most: count('codes', 1, 100),
      seconds: count('seconds', 1, day),
      inARow: count('codes', 1, 100),
    }),
    recentLogin: count('seconds', 0, day),
  }),
  controllers: listOf(
    mustBe('a class with a className', (value) => typeof value === 'function' && 'className' in value),
  ),
  services: whole(
    group<NonNullable<AuthSettings['services']>>(
      Object.fromEntries(replaceable.map((name) => [name, service])) as Rules<NonNullable<AuthSettings['services']>>,
    ),
  ),
  entities: listOf(mustBe('what defineEntity makes, or a class', (value) => Object(value) === value)),
  migrations: listOf(mustBe('{ name, class }', (value) => Object(value) === value && 'name' in Object(value))),
  features: group<Features>(
    Object.fromEntries(Object.keys(featureControllers).map((name) => [name, flag])) as Rules<Features>,
  ),
  allowedOrigins: listOf(origin),
}

function isOrigin(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { origin: own, protocol } = new URL(value)
  return own === value && /^https?:$/.test(protocol)
}
