import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { retentionOf } from '@countersign/adapters/pg-boss'
import {
  type AuditLogSettings,
  type AuthSettings,
  faultOfRangesUrl,
  secretOfFolder,
  weaknessOf,
} from '@countersign/auth'
import { AuditError } from '@countersign/core'
import { fileAnchor } from '@countersign/core/evidence'
import { checkpointKeyOf } from '@countersign/core/keys'

/** What the process was told by its environment. */
export interface Environment {
  readonly host: string
  readonly port: number
  readonly settings: AuthSettings
  /** The data folder, where the database is embedded: commands come in there. */
  readonly folder: string | undefined
  /** Where limits are counted, if not in the database. */
  readonly redisUrl: string | undefined
  readonly admin: { readonly email: string; readonly password: string } | undefined
  /** What is allowed, and may surprise later. */
  readonly warnings: readonly string[]
}

/**
 * Reads the environment; throws one report of everything that is wrong with it.
 *
 * @throws AuditError `SETTING_INVALID`, `KEY_INVALID` for a data folder or a key in it that can't be used
 */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const faults: string[] = []
  const production = isProduction(env.NODE_ENV, faults)
  const host = env.HOST || '127.0.0.1'
  const port = portOf(env.PORT, faults)
  const folder = resolve(env.DATA_DIR || 'data')
  const publicUrl = publicUrlOf(env.PUBLIC_URL, urlOf(host, port ?? 3000), production, faults)
  if (production && !env.SECRET_KEY)
    faults.push("SECRET_KEY is required in production: 32 random bytes or more ('openssl rand -base64 32')")
  const weakness = env.SECRET_KEY ? weaknessOf(env.SECRET_KEY) : null
  if (weakness !== null) faults.push(`SECRET_KEY ${weakness}`)
  // Not repeated: there is a password in it.
  if (env.DATABASE_URL && !/^postgres(?:ql)?:\/\/./.test(env.DATABASE_URL))
    faults.push('DATABASE_URL is no address of a PostgreSQL server; write for example postgres://user@host:5432/name')
  if (env.REDIS_URL && !isRedisUrl(env.REDIS_URL))
    faults.push('REDIS_URL is no address of a Redis or Valkey server; write for example redis://host:6379/0')
  if (Boolean(env.ADMIN_EMAIL) !== Boolean(env.ADMIN_PASSWORD))
    faults.push('ADMIN_EMAIL and ADMIN_PASSWORD go together')
  const proxies = proxiesOf(env.TRUST_PROXY, faults)
  const metricsToken = metricsTokenOf(env.METRICS_TOKEN, faults)
  const breachedPasswords = breachedPasswordsOf(env, production, faults)
  const retention = retentionOrFault(env, faults)
  if (env.AUDIT_APPROVAL && !['on', 'off'].includes(env.AUDIT_APPROVAL))
    faults.push("AUDIT_APPROVAL must be 'on' or 'off'")
  if (port === null || publicUrl === null || faults.length > 0)
    throw new AuditError(
      'SETTING_INVALID',
      `The settings are not right:${faults.map((fault) => `\n- ${fault}`).join('')}`,
    )
  const secret = env.SECRET_KEY || secretOfFolder(folder)
  const signer = checkpointKeyOf(env, { folder, publicUrl })
  const auditLog: AuditLogSettings = {
    ...(signer && { signer }),
    ...(env.ANCHOR_FILE && { anchors: [fileAnchor({ path: resolve(env.ANCHOR_FILE) })] }),
    ...(retention && { retention }),
    approval: env.AUDIT_APPROVAL === 'on',
  }
  return {
    host,
    port,
    folder: env.DATABASE_URL ? undefined : folder,
    redisUrl: env.REDIS_URL || undefined,
    admin: env.ADMIN_EMAIL && env.ADMIN_PASSWORD ? { email: env.ADMIN_EMAIL, password: env.ADMIN_PASSWORD } : undefined,
    settings: {
      database: env.DATABASE_URL ? { url: env.DATABASE_URL } : { folder },
      secret,
      publicUrl,
      production,
      proxies,
      auditLog,
      spoolFolder: resolve(env.SPOOL_DIR || join(folder, 'spool')),
      ...(metricsToken === undefined ? {} : { metricsToken }),
      ...(breachedPasswords && { breachedPasswords }),
    },
    warnings: warningsOf(env, folder, signer !== null),
  }
}

function warningsOf(env: NodeJS.ProcessEnv, folder: string, signs: boolean): string[] {
  const warnings: string[] = []
  if (env.DATABASE_URL && !env.SECRET_KEY)
    warnings.push(
      `SECRET_KEY is not set, so this process uses ${join(folder, 'secret.key')}: several processes on one DATABASE_URL need the same SECRET_KEY.`,
    )
  if (!signs)
    warnings.push(
      'CHECKPOINT_KEY is not set, so this process does not sign the log: rows get their leaves from one that does, for example: countersign sequence',
    )
  else if (env.DATABASE_URL && !env.CHECKPOINT_KEY && !env.CHECKPOINT_KEY_FILE)
    warnings.push(
      `CHECKPOINT_KEY is not set, so this process signs the log with ${join(folder, 'checkpoint.key')}: several processes on one DATABASE_URL need the same CHECKPOINT_KEY.`,
    )
  return warnings
}

function retentionOrFault(env: NodeJS.ProcessEnv, faults: string[]): AuditLogSettings['retention'] {
  try {
    return retentionOf(env)
  } catch (error) {
    faults.push((error as Error).message)
    return undefined
  }
}

/** Where a host and a port are reached. */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Anything but the known names is a slip, and a slip must not open what only development has. */
function isProduction(text: string | undefined, faults: string[]): boolean {
  if (text && !['production', 'development', 'test'].includes(text))
    faults.push("NODE_ENV must be 'production', 'development' or 'test', or unset, which is development")
  return text === 'production'
}

function portOf(text: string | undefined, faults: string[]): number | null {
  const port = Number(text || 3000)
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  faults.push('PORT must be a whole number from 1 to 65535')
  return null
}

function publicUrlOf(text: string | undefined, own: string, production: boolean, faults: string[]): string | null {
  const url = text || own
  const { protocol, origin } = URL.canParse(url) ? new URL(url) : { protocol: '', origin: '' }
  if (production && protocol !== 'https:')
    faults.push('PUBLIC_URL must be an https address in production: cookies and links depend on it')
  else if (protocol !== 'https:' && protocol !== 'http:')
    faults.push(`${text ? 'PUBLIC_URL' : 'HOST'} makes no address; write for example ${exampleOf(text)}`)
  else return origin
  return null
}

function exampleOf(publicUrl: string | undefined): string {
  return publicUrl ? 'PUBLIC_URL=https://auth.example.org' : 'HOST=127.0.0.1'
}

function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, pathname } = new URL(text)
  return /^rediss?:$/.test(protocol) && hostname !== '' && /^(?:\/\d{0,5})?$/.test(pathname)
}

/** `1` for one proxy in front, or networks: `10.0.0.0/8,192.168.0.0/16`. */
function proxiesOf(text: string | undefined, faults: string[]): number | string[] {
  if (!text) return 0
  if (/^\d{1,2}$/.test(text)) return Number(text)
  const networks = text.split(',').map((network) => network.trim())
  if (networks.every(isNetwork)) return networks
  faults.push(
    'TRUST_PROXY must be a number of proxies or networks (10.0.0.0/8,192.168.0.0/16): trusting everybody lets every client write its own address',
  )
  return 0
}

/** Nobody outside is asked unless it is said what happens when nobody answers. */
function breachedPasswordsOf(
  { BREACHED_PASSWORDS: onFailure, BREACHED_PASSWORDS_URL: url }: NodeJS.ProcessEnv,
  production: boolean,
  faults: string[],
): AuthSettings['breachedPasswords'] {
  if (!onFailure && url) faults.push("BREACHED_PASSWORDS_URL needs BREACHED_PASSWORDS: 'off', 'accept' or 'refuse'")
  if (!onFailure || onFailure === 'off') return undefined
  const fault = url ? faultOfRangesUrl(url, { production }) : null
  if (onFailure !== 'accept' && onFailure !== 'refuse')
    faults.push(
      "BREACHED_PASSWORDS must be 'off', or what becomes of passwords while nobody answers: 'accept', 'refuse'",
    )
  else if (fault !== null) faults.push(`BREACHED_PASSWORDS_URL ${fault}`)
  else return { onFailure, ...(url && { url }) }
  return undefined
}

/** What fits into a header, and can't be guessed. */
function metricsTokenOf(text: string | undefined, faults: string[]): string | undefined {
  if (!text || /^[\w\-.~+/=]{16,}$/.test(text)) return text || undefined
  faults.push("METRICS_TOKEN must have 16 characters or more, letters, digits and -._~+/= ('openssl rand -hex 32')")
  return undefined
}

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = address.includes('%') ? 0 : isIP(address)
  if (version === 0 || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128))
}
