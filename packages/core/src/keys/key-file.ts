import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { AuditError } from '../audit-error.js'
import { makeFolder } from '../make-folder.js'

/** A file of a data folder with a key in it. */
export interface KeyFile {
  readonly folder: string
  readonly name: string
}

/**
 * The text of the file; null where there is none.
 *
 * @throws AuditError `SETTING_INVALID`
 */
export function readKeyFile({ folder, name }: KeyFile): string | null {
  return usingFolder(folder, () => {
    const path = join(folder, name)
    return existsSync(path) ? readFileSync(path, 'utf8') : null
  })
}

/**
 * The text of the file, which is made where there is none, readable by its owner only.
 *
 * @throws AuditError `SETTING_INVALID`
 */
export function readOrMakeKeyFile({ folder, name }: KeyFile, fresh: () => string): string {
  return usingFolder(folder, () => {
    makeFolder(resolve(folder))
    const path = join(folder, name)
    if (!existsSync(path)) make(path, fresh())
    return readFileSync(path, 'utf8')
  })
}

/** Whole or not at all: a link is made in one step, and by one of several processes. */
function make(path: string, text: string): void {
  const mine = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  const file = openSync(mine, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
    linkSync(mine, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    closeSync(file)
    unlinkSync(mine)
  }
}

function usingFolder<Result>(folder: string, use: () => Result): Result {
  try {
    return use()
  } catch (cause) {
    if (cause instanceof AuditError) throw cause
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new AuditError('SETTING_INVALID', `The data folder ${folder} (DATA_DIR) can't be used (${why}).`, { cause })
  }
}
