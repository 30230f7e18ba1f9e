import { AuditError, type FolderLock, lockFolder } from '@countersign/core'

/**
 * Takes a data folder for this process. PGlite opens a folder twice without a word, and the two
 * diverge; the lock of a process that died is taken over.
 *
 * @throws AuditError `STORE_LOCKED`
 */
export function lockDataFolder(folder: string): FolderLock {
  const refusal = (pid: number): AuditError =>
    new AuditError(
      'STORE_LOCKED',
      `The data folder ${folder} is in use by process ${pid}. Stop it, choose another folder (DATA_DIR), or use a PostgreSQL server (DATABASE_URL), which any number of processes may share.`,
    )
  return lockFolder({ folder, file: 'countersign.lock', refusal })
}
