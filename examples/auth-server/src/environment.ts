import { resolve } from 'node:path'
import { type AuthSettings, secretOfFolder } from '@countersign/auth'

/** What the process was told by its environment. */
export interface Environment {
  readonly host: string
  readonly port: number
  readonly settings: AuthSettings
  readonly admin: { readonly email: string; readonly password: string } | undefined
}

/** Reads the environment; throws one report of everything that is wrong with it. */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const faults: string[] = []
  const production = env.NODE_ENV === 'production'
  const host = env.HOST || '127.0.0.1'
  const port = portOf(env.PORT, faults)
  const folder = resolve(env.DATA_DIR || 'data')
  const publicUrl = env.PUBLIC_URL || `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  if (!URL.canParse(publicUrl)) faults.push('PUBLIC_URL is no URL; write for example https://auth.example.org')
  else if (production && !publicUrl.startsWith('https:'))
    faults.push('PUBLIC_URL must be an https address in production: cookies and links depend on it')
  if (production && !env.SECRET_KEY)
    faults.push("SECRET_KEY is required in production: 32 random bytes or more ('openssl rand -base64 32')")
  else if (env.SECRET_KEY && Buffer.byteLength(env.SECRET_KEY) < 32)
    faults.push('SECRET_KEY must have 32 bytes or more')
  if (env.REDIS_URL)
    faults.push('REDIS_URL is not supported yet: leave it unset, limits are then counted in the database')
  if (Boolean(env.ADMIN_EMAIL) !== Boolean(env.ADMIN_PASSWORD))
    faults.push('ADMIN_EMAIL and ADMIN_PASSWORD go together')
  const proxies = proxiesOf(env.TRUST_PROXY, faults)
  if (faults.length > 0) throw new Error(`The settings are not right:${faults.map((fault) => `\n- ${fault}`).join('')}`)
  return {
    host,
    port,
    admin: env.ADMIN_EMAIL && env.ADMIN_PASSWORD ? { email: env.ADMIN_EMAIL, password: env.ADMIN_PASSWORD } : undefined,
    settings: {
      database: env.DATABASE_URL ? { url: env.DATABASE_URL } : { folder },
      secret: env.SECRET_KEY || secretOfFolder(folder),
      publicUrl: new URL(publicUrl).origin,
      production,
      proxies,
    },
  }
}

function portOf(text: string | undefined, faults: string[]): number {
  const port = Number(text || 3000)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) faults.push('PORT must be a whole number from 1 to 65535')
  return port
}

/** `1` for one proxy in front, or networks: `10.0.0.0/8,192.168.0.0/16`. */
function proxiesOf(text: string | undefined, faults: string[]): number | string[] {
  if (!text) return 0
  if (/^\d+$/.test(text)) return Number(text)
  if (text === 'true' || text === '*') {
    faults.push(
      'TRUST_PROXY must be a number of proxies or networks: trusting everybody lets every client write its own address',
    )
    return 0
  }
  return text.split(',').map((network) => network.trim())
}
