import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { hostname } from 'node:os'
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
  /** Where process ids mean the same; another container on the same volume has others. */
  readonly place?: string
}

const heartbeat = 5000
// Of a holder in another place nothing is known but that it still touches its lock.
const silentAfter = 30_000

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
  const holder: Holder = { pid: process.pid, startedAt: startTime(process.pid), place: here() }
  writeSync(file, JSON.stringify(holder))
  closeSync(file)
  try {
    // A link is made or refused in one step, with its content in place.
    while (!link(mine, path)) removeStale(path, folder)
  } finally {
    unlinkSync(mine)
  }
  const beating = setInterval(() => touch(path), heartbeat)
  beating.unref()
  let held = true
  const release = (): void => {
    if (!held) return
    held = false
    clearInterval(beating)
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
  assertStale(path, folder)
  const takeover = `${path}.takeover`
  if (!begin(takeover)) return
  try {
    // Looked at again by the only one who may remove it: a lock in its place would be a living one.
    assertStale(path, folder)
    rmSync(path, { force: true })
  } finally {
    rmSync(takeover, { force: true })
  }
}

function assertStale(path: string, folder: string): void {
  const holder = holderOf(path)
  if (!holder || !isAlive(holder, path)) return
  throw new AuditError(
    'STORE_LOCKED',
    `The data folder ${folder} is in use by process ${holder.pid}. Stop it, choose another folder (DATA_DIR), or use a PostgreSQL server (DATABASE_URL), which any number of processes may share.`,
  )
}

// A takeover is a matter of milliseconds; one that is older was left by a process that died in it.
const abandonedAfter = 5000

/** Makes the right to take over one's own; false, after a moment, when another process has it. */
function begin(takeover: string): boolean {
  try {
    closeSync(openSync(takeover, 'wx', 0o600))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const begun = statSync(takeover, { throwIfNoEntry: false })?.mtimeMs
  if (begun !== undefined && Date.now() - begun > abandonedAfter) rmSync(takeover, { force: true })
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
  return false
}

function holderOf(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder
  } catch {
    return null
  }
}

function isAlive({ pid, startedAt, place = here() }: Holder, path: string): boolean {
  if (place !== here()) return Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < silentAfter
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return startedAt === null || startedAt === startTime(pid)
}

function touch(path: string): void {
  const now = new Date()
  try {
    utimesSync(path, now, now)
  } catch {
    // The folder is gone, or not ours to write any more; the database will say so better.
  }
}

function here(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
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
