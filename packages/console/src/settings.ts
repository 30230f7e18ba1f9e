import { resolve } from 'node:path'
import type { StoreLocation } from '@countersign/adapters/mikro-orm'
import { AuditError } from '@countersign/core'

/** What the environment says: the same as to the server. */
export interface Settings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly location: StoreLocation
  /** Where secrets are, also where the store is on a server. */
  readonly folder: string
  readonly publicUrl: string
}

/** @throws AuditError `SETTING_INVALID` */
export function readSettings(env: Settings['env']): Settings {
  const folder = resolve(env.DATA_DIR || 'data')
  const url = env.DATABASE_URL
  if (url && !/^postgres(?:ql)?:\/\/./.test(url)) {
    // Not repeated: there is a password in it.
    throw new AuditError(
      'SETTING_INVALID',
      'DATABASE_URL is no address of a PostgreSQL server; write for example postgres://user@host:5432/name',
    )
  }
  return { env, folder, location: url ? { url } : { folder }, publicUrl: publicUrlOf(env) }
}

/** As the server has it when nobody says. */
function publicUrlOf({ PUBLIC_URL: url, HOST: host = '127.0.0.1', PORT: port = '3000' }: Settings['env']): string {
  return url || `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
