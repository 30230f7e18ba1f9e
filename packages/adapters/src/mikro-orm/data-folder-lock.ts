import { closeSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { AuditError } from '@countersign/core'

/** A held folder; `release` gives it back. */
export interface FolderLock {
  release(): void
}

interface Holder {
  readonly pid: number
  /** When that process started, where the system tells: process ids are used again. */
  readonly startedAt: string | null
}

/**
 * Takes a data folder for this process. PGlite opens a folder twice without a word, and the two
 * diverge; the lock of a process that died is taken over.
 *
 * @throws AuditError `STORE_LOCKED`
 */
export function lockDataFolder(folder: string): FolderLock {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'countersign.lock')
  const mine = join(folder, `countersign.lock.${process.pid}`)
  const file = openSync(mine, 'w', 0o600)
  writeSync(file, JSON.stringify({ pid: process.pid, startedAt: startTime(process.pid) } satisfies Holder))
  closeSync(file)
  try {
    // A link is made or refused in one step, with its content in place.
    while (!link(mine, path)) removeStale(path, folder)
  } finally {
    unlinkSync(mine)
  }
  const release = (): void => {
    process.off('exit', release)
    if (holderOf(path)?.pid === process.pid) unlinkSync(path)
  }
  process.on('exit', release)
  return { release }
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function removeStale(path: string, folder: string): void {
  const holder = holderOf(path)
  if (holder && isAlive(holder)) {
    throw new AuditError(
      'STORE_LOCKED',
      `The data folder ${folder} is in use by process ${holder.pid}. Stop it, choose another folder (DATA_DIR), or use a PostgreSQL server (DATABASE_URL), which any number of processes may share.`,
    )
  }
  // Moved aside first: of two that find the same stale lock, one gets it.
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  const moved = holderOf(aside)
  if (moved && isAlive(moved)) {
    // It was taken over between our look and our move: give it back.
    link(aside, path)
  }
  unlinkSync(aside)
}

function holderOf(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder
  } catch {
    return null
  }
}

function isAlive({ pid, startedAt }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return startedAt === null || startedAt === startTime(pid)
}

/** Field 22 of `/proc/<pid>/stat`, in clock ticks since boot; null where there is no such file. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
