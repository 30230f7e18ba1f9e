import { createHash } from 'node:crypto'
import { AuditError, currentAttempt, currentFlow, rowId } from '@countersign/core'
import type { Secrets } from '@countersign/core/keys'
import { type EntityManager, LockMode, type MikroORM } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import { jwtVerify, SignJWT } from 'jose'
import { canonicalEmail } from '../accounts/email-address.js'
import type { PasswordReplacement } from '../passwords/password-replacement.js'
import { User } from '../store/entities.js'
import type { OneTimeTokens } from '../store/one-time-tokens.js'
import { worthlessLink } from '../web/auth-refusal.js'

const algorithm = 'HS256'
const type = 'admin-link+jwt'
const oneHour = 3600

/** What a link is made with. */
export interface AdminLinkOptions {
  readonly secrets: Secrets
  readonly publicUrl: string
  readonly email: string
}

/**
 * A link, good once and for an hour, by which whoever opens it chooses the password of an account and makes it an
 * administrator's. It needs the secret of the server and not its database, so that it can be made while the server
 * has the data folder open, and before there is any.
 *
 * @throws AuditError `SETTING_INVALID` for what is no e-mail address
 */
export async function adminLink({ secrets, publicUrl, email }: AdminLinkOptions): Promise<string> {
  if (!canonicalEmail(email)) throw new AuditError('SETTING_INVALID', `${JSON.stringify(email)} is no e-mail address.`)
  const token = await new SignJWT({ email: email.trim() })
    .setProtectedHeader({ alg: algorithm, typ: type })
    .setIssuer(publicUrl)
    .setJti(rowId())
    .setIssuedAt()
    .setExpirationTime(`${oneHour}s`)
    .sign(secrets.key('admin-link'))
  return `${publicUrl}/reset-password?token=${token}`
}

/** What {@link AdminLinks} works with. */
export interface AdminLinksParts {
  readonly orm: MikroORM
  readonly secrets: Secrets
  readonly publicUrl: string
  readonly tokens: Pick<OneTimeTokens, 'revokeAll'>
  readonly replacement: PasswordReplacement
}

/** The links of {@link adminLink}, used. Knows no HTTP. */
export class AdminLinks {
  readonly #parts: AdminLinksParts

  constructor(parts: AdminLinksParts) {
    this.#parts = parts
  }

  /** The address that a link is for; null for every other token. */
  async emailOf(token: string): Promise<string | null> {
    // Tokens that are mailed have no dot, and most that come here are those.
    if (!token.includes('.')) return null
    try {
      const { payload } = await jwtVerify(token, this.#parts.secrets.key('admin-link'), {
        algorithms: [algorithm],
        typ: type,
        issuer: this.#parts.publicUrl,
        maxTokenAge: oneHour,
        requiredClaims: ['email', 'jti', 'iat', 'exp'],
      })
      return typeof payload.email === 'string' ? payload.email : null
    } catch {
      return null
    }
  }

  /**
   * Makes the account an administrator's who has this password, and ends everything that opened it before. Of an
   * administrator nothing is changed: so of several links to one account one counts.
   */
  async use(token: string, email: string, passwordHash: string): Promise<{ user: User; isFirst: boolean }> {
    const { orm, tokens, replacement } = this.#parts
    return orm.em.fork().transactional(async (em) => {
      const user = await insertOrLock(em, email)
      currentAttempt('password_reset').subject({ type: 'user', id: user.id })
      if (user.disabledAt) throw worthlessLink('disabled')
      if (user.isAdmin || !(await isFirstUse(em, token, user.id))) throw worthlessLink('invalid_token')
      const isFirst = !user.passwordHash
      user.isAdmin = true
      user.verifiedAt ??= new Date()
      // Whoever signed up with the address before may hold a link of any kind.
      await tokens.revokeAll(em, user.id)
      await replacement.replace(em, user, { passwordHash })
      return { user, isFirst }
    })
  }
}

/** Records that there is another administrator: a fact beside the attempt that made it one, once that is committed. */
export async function recordNewAdmin({ id, email }: User): Promise<void> {
  await currentFlow()?.trail?.record('admin_action', {
    actor: { type: 'user', id, label: email },
    subject: { type: 'user', id },
    details: { action: 'admin_grant' },
  })
}

async function insertOrLock(em: EntityManager, email: string): Promise<User> {
  const emailCanonical = canonicalEmail(email) ?? ''
  await (em as SqlEntityManager).execute(
    `insert into auth_user (id, email, email_canonical, created_at) values (?, ?, ?, now())
     on conflict (email_canonical) do nothing`,
    [rowId(), email, emailCanonical],
  )
  return em.findOneOrFail(User, { emailCanonical }, { lockMode: LockMode.PESSIMISTIC_WRITE })
}

async function isFirstUse(em: EntityManager, token: string, userId: string): Promise<boolean> {
  const used = await (em as SqlEntityManager).execute<unknown[]>(
    `insert into auth_one_time_token (token_hash, purpose, user_id, created_at, expires_at, used_at)
     values (?, 'admin-link', ?, now(), now(), now()) on conflict (token_hash) do nothing returning token_hash`,
    [createHash('sha256').update(token).digest('base64url'), userId],
  )
  return used.length > 0
}
