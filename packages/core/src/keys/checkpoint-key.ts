import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError } from '../audit-error.js'
import { type NoteSigner, newSigningKey, noteSigner } from '../evidence/note-key.js'
import { readKeyFile, readOrMakeKeyFile } from './key-file.js'

/** What an environment says of the key of the log. */
export interface CheckpointKeyEnvironment {
  /** The key itself: `PRIVATE+KEY+…`. */
  readonly CHECKPOINT_KEY?: string | undefined
  /** A file with the key in it. */
  readonly CHECKPOINT_KEY_FILE?: string | undefined
  /** In production no key is taken from the data folder, nor made there. */
  readonly NODE_ENV?: string | undefined
}

/** Where the key of the log is kept in development. */
export interface CheckpointKeyPlace {
  readonly folder: string
  /** Names a key that is made; without it none is made. */
  readonly publicUrl?: string
}

/**
 * The key that signs the log: that of the environment; in development else that of the data folder
 * (`checkpoint.key`), made on first use and readable by its owner only. Null where there is none.
 * It is apart from SECRET_KEY: whoever signs the log needs no other secret, and the reverse.
 *
 * @throws AuditError `KEY_INVALID`, `SETTING_INVALID` for a file or a folder that can't be used
 * @example
 * const signer = checkpointKeyOf(process.env, { folder: 'data', publicUrl: 'http://127.0.0.1:3000' })
 * const sequencer = signer && logSequencer(orm, { signer })
 */
export function checkpointKeyOf(env: CheckpointKeyEnvironment, place: CheckpointKeyPlace): NoteSigner | null {
  const { CHECKPOINT_KEY: key, CHECKPOINT_KEY_FILE: path } = env
  if (key && path)
    throw new AuditError('SETTING_INVALID', 'CHECKPOINT_KEY and CHECKPOINT_KEY_FILE are both set. Unset one of them.')
  if (key) return signerOf(key, 'CHECKPOINT_KEY')
  if (path) return signerOf(textOf(path), `CHECKPOINT_KEY_FILE (${path})`)
  return env.NODE_ENV === 'production' ? null : signerOfFolder(place)
}

function signerOfFolder({ folder, publicUrl }: CheckpointKeyPlace): NoteSigner | null {
  const file = { folder, name: 'checkpoint.key' }
  const text =
    publicUrl === undefined
      ? readKeyFile(file)
      : readOrMakeKeyFile(file, () => `${newSigningKey(logNameOf(publicUrl))}\n`)
  return text === null ? null : signerOf(text, join(folder, file.name))
}

/** An address without its scheme: what C2SP asks of the origin of a log. */
function logNameOf(publicUrl: string): string {
  if (URL.canParse(publicUrl)) return `${new URL(publicUrl).host}/audit`
  throw new AuditError('SETTING_INVALID', 'PUBLIC_URL makes no address; write for example https://auth.example.org')
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new AuditError('SETTING_INVALID', `CHECKPOINT_KEY_FILE can't be read: ${path} (${why}).`, { cause })
  }
}

function signerOf(secret: string, from: string): NoteSigner {
  try {
    return noteSigner(secret)
  } catch (cause) {
    if (cause instanceof AuditError) throw new AuditError(cause.code, `${from}: ${cause.message}`, { cause })
    throw cause
  }
}
