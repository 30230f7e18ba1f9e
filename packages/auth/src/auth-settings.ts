import type { RetentionPolicy } from '@countersign/adapters/pg-boss'
import type { ScopeLimits } from '@countersign/adapters/rate-limiter-flexible'
import type { TrustedProxies } from '@countersign/adapters/routing-controllers'
import type { FloodOptions } from '@countersign/core'
import type { CheckpointAnchor, NoteSigner } from '@countersign/core/evidence'
import type { PasswordHasher } from './passwords/password-hasher.js'
import type { PasswordPolicy } from './passwords/passwords.js'
import type { DatabaseLocation } from './store/database.js'
import type { RedisClient } from './store/redis-state.js'

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

/** What a server is made of. Everything but the database, the secret and the address has a default. */
export interface AuthSettings {
  readonly database: DatabaseLocation
  /** The root of all keys, 32 bytes or more; the same in every process of one system. */
  readonly secret: string | Uint8Array
  /** Where users reach the server, for links in mails and for origins: `https://example.org`. */
  readonly publicUrl: string
  /** In production cookies are `Secure` and `__Host-`, and there is no mailbox to look into. */
  readonly production?: boolean
  readonly proxies?: TrustedProxies
  /** What differs from {@link defaultLimits}, scope by scope. */
  readonly limits?: ScopeLimits
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
  readonly passwordPolicy?: PasswordPolicy
  /** How passwords are hashed (argon2id: 19 MiB, two passes, one lane). */
  readonly passwordHasher?: PasswordHasher
  /**
   * The wording of the consent to marketing that users see now (`'1'`). Every decision is kept with the wording that it
   * was made about, so a new wording has a new name.
   */
  readonly consentVersion?: string
  /** Seconds that an access token lives (900). */
  readonly accessTokenLifetime?: number
  /** Seconds that a session lives, without and with "remember me" (an hour, seven days). */
  readonly sessionLifetimes?: { readonly usual: number; readonly remembered: number }
}

/** Counted per client address, and per submitted identifier or account; null switches a scope off. */
export const defaultLimits: ScopeLimits = {
  login: { address: '10/min', failures: '5/5min' },
  signup: { address: '5/min', identifier: '3/h' },
  verify_account: '20/min',
  verification_mail: { address: '5/min', identifier: '1/3min' },
  password_reset: { address: '5/min', identifier: '3/h' },
  password_reset_confirm: '20/min',
  change_password: { address: '10/min', failures: '5/5min' },
  profile: { address: '60/min', identifier: '30/min' },
  audit_read: '120/min',
  audit_write: '30/min',
  audit_export: '10/min',
}
