import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError } from '../audit-error.js'
import { isRowId } from '../reader.js'
import { foreignFault } from './faults.js'
import { Lane } from './lane.js'
import type { Stepwise } from './stepwise.js'

/** What processes that are gone have left. */
export interface Orphans {
  /** The oldest first. */
  readonly lanes: readonly Lane[]
  /** Of what can't be read, or is not touched. */
  readonly faults: readonly AuditError[]
}

/** Takes over the sub-folders of a spool that no living process holds. */
export function* adoptOrphans(folder: string, own: readonly Lane[]): Stepwise<Orphans> {
  const known = new Set(own.map((lane) => lane.folder))
  const lanes: Lane[] = []
  const faults: AuditError[] = []
  // They are named by the time when their writers began.
  for (const name of readdirSync(folder).filter(isRowId).sort()) {
    const path = join(folder, name)
    if (known.has(path)) continue
    try {
      if (lstatSync(path).isSymbolicLink()) {
        faults.push(foreignFault(path))
        continue
      }
      const lane = yield* Lane.adopt(path)
      lanes.push(lane)
      faults.push(...lane.foreign.map(foreignFault))
    } catch (cause) {
      if (!isTaken(cause)) faults.push(unreadable(path, cause))
    }
  }
  return { lanes, faults }
}

/** True where its process lives, or another one took it over or removed it just now. */
export function isTaken(cause: unknown): boolean {
  const { code } = cause as NodeJS.ErrnoException
  return code === 'STORE_LOCKED' || code === 'ENOENT'
}

function unreadable(path: string, cause: unknown): AuditError {
  const message = `Rows may wait in ${path}, which can't be taken over. Let this process read and write it.`
  return new AuditError('SPOOL_FAILED', message, { cause })
}
