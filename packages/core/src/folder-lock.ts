import {
  closeSync,
  linkSync,
  lstatSync,
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
import { join, resolve } from 'node:path'
import { makeFolder } from './make-folder.js'

/** A held folder; `release` gives it back. */
export interface FolderLock {
  release(): void
}

/** What is locked, and what is said when another process has it. */
export interface FolderLockOptions {
  /** Made where it is missing, for its owner only. */
  readonly folder: string
  /** The name of the lock's file in it. */
  readonly file: string
  /** What is thrown; `pid` is the process that holds the folder. */
  readonly refusal: (pid: number) => Error
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

const held = new Set<FolderLock>()

/**
 * Takes a folder for this process; the lock of a process that died is taken over. A refusal leaves
 * the folder as it was.
 *
 * @throws what `refusal` makes
 * @example
 * const refusal = (pid: number) => new Error(`Process ${pid} has it.`)
 * const lock = lockFolder({ folder: 'data', file: 'countersign.lock', refusal })
 */
export function lockFolder(options: FolderLockOptions): FolderLock {
  const { folder, file: name } = options
  makeFolder(resolve(folder))
  const path = join(folder, name)
  assertStale(path, options)
  const mine = join(folder, `${name}.${process.pid}`)
  const file = openSync(mine, 'w', 0o600)
  try {
    const holder: Holder = { pid: process.pid, startedAt: startTime(process.pid), place: here() }
    writeSync(file, JSON.stringify(holder))
    // A link is made or refused in one step, with its content in place.
    while (!link(mine, path)) removeStale(path, options)
  } finally {
    closeSync(file)
    rmSync(mine, { force: true })
  }
  return hold(path)
}

function hold(path: string): FolderLock {
  const beating = setInterval(() => touch(path), heartbeat)
  beating.unref()
  const lock: FolderLock = {
    release() {
      if (!held.delete(lock)) return
      clearInterval(beating)
      if (held.size === 0) process.off('exit', releaseAll)
      if (holderOf(path)?.pid === process.pid) unlinkSync(path)
    },
  }
  if (held.size === 0) process.on('exit', releaseAll)
  held.add(lock)
  return lock
}

function releaseAll(): void {
  for (const lock of held) lock.release()
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

function removeStale(path: string, options: FolderLockOptions): void {
  assertStale(path, options)
  const takeover = `${path}.takeover`
  if (!begin(takeover)) return
  try {
    // Looked at again by the only one who may remove it: a lock in its place would be a living one.
    assertStale(path, options)
    rmSync(path, { force: true })
  } finally {
    rmSync(takeover, { force: true })
  }
}

function assertStale(path: string, { refusal }: FolderLockOptions): void {
  const holder = holderOf(path)
  if (holder && isAlive(holder, path)) throw refusal(holder.pid)
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
    // To read a pipe would be to wait for ever.
    return lstatSync(path).isFile() ? (JSON.parse(readFileSync(path, 'utf8')) as Holder) : null
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
    // The folder is gone, or not ours to write any more; whoever writes there will say so better.
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
