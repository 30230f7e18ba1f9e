import type { StoreLocation } from '@countersign/adapters/mikro-orm'
import type { RetentionPolicy } from '@countersign/adapters/pg-boss'
import type { ScopeLimits } from '@countersign/adapters/rate-limiter-flexible'
import type { TrustedProxies } from '@countersign/adapters/routing-controllers'
import type { FloodOptions } from '@countersign/core'
import type { CheckpointAnchor, NoteSigner } from '@countersign/core/evidence'
import type { MigrationObject } from '@mikro-orm/core'
import type { Features } from './extending/features.js'
import type { ServiceReplacements } from './extending/service-replacements.js'
import type { LockoutSettings } from './limits/lockout-rules.js'
import type { BreachedPasswordsSettings } from './passwords/breached-passwords.js'
import type { PasswordHasher } from './passwords/password-hasher.js'
import type { PasswordPolicy } from './passwords/passwords.js'
import type { SessionLifetimes } from './sessions/sessions.js'
import type { SigningAlgorithm } from './sessions/signing-keys.js'
import type { OwnEntity } from './store/database.js'
import type { LinkLifetimes } from './store/one-time-tokens.js'
import type { RedisClient } from './store/redis-state.js'
import type { TwoFactorSettings } from './two-factor/two-factor-settings.js'
import type { AuthControllerClass } from './web/provided.js'

/** The log over the trail: who signs it, where its checkpoints are kept, and how it grows old. */
export interface AuditLogSettings {
  /**
   * Signs checkpoints and receipts. A process without one neither gives rows their leaves nor erases anything: it
   * leaves that to one that has it.
   */
  readonly signer?: NoteSigner
  readonly anchors?: readonly CheckpointAnchor[]
  /** Whether a second administrator has to approve what can't be undone (no). */
  readonly approval?: boolean
  /** Days that rows, and before them their personal fields, are kept. Without it everything is kept for ever. */
  readonly retention?: RetentionPolicy
}

/** How access tokens are made. */
export interface AccessTokenSettings {
  /** Seconds that one lives (600). */
  readonly lifetime?: number
  /** How it is signed (`EdDSA`). With `HS256` nobody else can verify one. */
  readonly algorithm?: SigningAlgorithm
  /** Who it says that it is from (`publicUrl`), and for whom (`countersign-api`). */
  readonly issuer?: string
  readonly audience?: string
  /** Days after which another key signs (90). */
  readonly rotateAfterDays?: number
  /** Seconds that a key verifies when another one signs (3,600); never less than a token lives. */
  readonly overlap?: number
}

/** How refresh tokens are exchanged. */
export interface RefreshTokenSettings {
  /** Seconds for which the same exchange gets the same answer, for tabs that do it at the same time (10). */
  readonly grace?: number
  /** Exchanges of one session in an hour (120). */
  readonly perHour?: number
}

/** How cookies are named and set. */
export interface CookieSettings {
  /** The name of that with the access token (`at`). */
  readonly accessName?: string
  /** The name of that with the refresh token (`rt`). */
  readonly refreshName?: string
  /** Whether a browser sends them along from elsewhere (`lax`; the refresh token `strict`). `none` needs `secure`. */
  readonly sameSite?: 'lax' | 'strict' | 'none'
  /** Sent over HTTPS only: in production, where it must be so. */
  readonly secure?: boolean
  /** Named `__Host-…` where they are `secure` (yes). */
  readonly prefixed?: boolean
}

/** What a server is made of. Everything but the database, the secret and the address has a default. */
export interface AuthSettings {
  readonly database: StoreLocation
  /** The root of all keys, 32 bytes or more; the same in every process of one system. */
  readonly secret: string | Uint8Array
  /** Where users reach the server, for links in mails and for origins: `https://example.org`. */
  readonly publicUrl: string
  /** In production cookies are `Secure` and `__Host-`, and there is no mailbox to look into. */
  readonly production?: boolean
  readonly proxies?: TrustedProxies
  /** What differs from {@link defaultLimits}, scope by scope. */
  readonly limits?: ScopeLimits
  /** Whether accounts may have user names, and log in by them as well (no). */
  readonly usernames?: boolean
  /** Whether anybody may sign up (`open`). When it is closed, everybody is told so. */
  readonly registration?: 'open' | 'closed'
  /** Days after which an account that was never verified is deleted (7). */
  readonly neverVerifiedDays?: number
  /** Seconds that mailed links work, where they differ from {@link defaultLinkLifetimes}. */
  readonly linkLifetimes?: Partial<LinkLifetimes>
  /** When too many failures lock an account, or an address, and for how long. */
  readonly lockouts?: LockoutSettings
  /**
   * A client of Redis or Valkey (`ioredis`, `iovalkey`) to count attempts in, and to keep what waits for
   * minutes: logins without their second factor yet. It stays yours to close. While it is away each process
   * counts attempts by itself, and what would wait is refused with 503. Without one the database has both.
   */
  readonly redis?: RedisClient
  /**
   * Where rows wait while the database is away. Any number of processes may share it. Without one,
   * what the database does not take is lost, counted and signalled.
   */
  readonly spoolFolder?: string
  /** How repeats of a refusal collapse: of one key 100 a minute have a row each, the others share one. */
  readonly floods?: FloodOptions
  /**
   * What `Authorization: Bearer` must bring to read `/metrics`, from anywhere. Without one, only
   * processes of this machine may read it, and nobody where {@link proxies} are.
   */
  readonly metricsToken?: string
  readonly auditLog?: AuditLogSettings
  readonly passwordPolicy?: Partial<PasswordPolicy>
  /** Asks, where a password is chosen, whether it is in a leak: `{}` asks Have I Been Pwned. Without it nobody is asked. */
  readonly breachedPasswords?: BreachedPasswordsSettings
  /** How passwords are hashed (argon2id: 19 MiB, two passes, one lane). */
  readonly passwordHasher?: PasswordHasher
  /**
   * The wording of the consent to marketing that users see now (`'1'`). Every decision is kept with the wording that it
   * was made about, so a new wording has a new name.
   */
  readonly consentVersion?: string
  /** How access tokens are made; anybody who is given the public keys can verify them. */
  readonly accessTokens?: AccessTokenSettings
  /** How long sessions live, in seconds; what is not said has its default. */
  readonly sessionLifetimes?: Partial<SessionLifetimes>
  readonly refreshTokens?: RefreshTokenSettings
  readonly cookies?: CookieSettings
  /** Second factors: their name in apps, and how many codes may be tried. */
  readonly twoFactor?: TwoFactorSettings
  /** Controllers of your own: one that extends one of ours stands in its place, and others are served beside them. */
  readonly controllers?: readonly AuthControllerClass[]
  /** Services in the place of ours. */
  readonly services?: ServiceReplacements
  /** Entities of your own, also one on the table of our accounts (`auth_user`) with fields of your own. */
  readonly entities?: readonly OwnEntity[]
  /** Migrations of your own, which run after ours: columns of your own in our tables are nullable or have a default. */
  readonly migrations?: readonly MigrationObject[]
  /** Parts that are switched off: `{ signup: false }`. */
  readonly features?: Features
  /**
   * Origins besides our own whose pages may use the API with the session's cookies, each exact
   * (`https://app.example.org`). None: no page of another origin may read an answer (CORS).
   */
  readonly allowedOrigins?: readonly string[]
}

/** Counted per client address, and per submitted identifier or account; null switches a scope off. */
export const defaultLimits: ScopeLimits = {
  login: { address: '10/min', failures: '5/5min' },
  token_refresh: '60/min',
  token_verify: '600/min',
  session_revoke: '60/min',
  signup: { address: '5/min', identifier: '3/h' },
  verify_account: '20/min',
  verification_mail: { address: '5/min', identifier: '1/3min' },
  password_reset: { address: '5/min', identifier: '3/h' },
  password_reset_confirm: '20/min',
  change_password: { address: '10/min', failures: '5/5min' },
  verify_login: '10/min',
  two_factor: { address: '20/min', failures: '5/5min' },
  change_email: { address: '10/min', identifier: '5/h', failures: '5/5min' },
  change_email_confirm: '20/min',
  change_email_undo: '20/min',
  profile: { address: '60/min', identifier: '30/min' },
  admin_read: '120/min',
  admin_write: '30/min',
  audit_read: '120/min',
  audit_write: '30/min',
  audit_export: '10/min',
}
