import { readdirSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { lstat, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AuditError } from '../audit-error.js'
import { type FolderLock, lockFolder } from '../folder-lock.js'
import type { SpoolSize } from '../spool.js'
import { beginPosition, readPosition, writePosition } from './position.js'
import { isForeign } from './regular-file.js'
import { countLines, type Reading, readSegment, type Segment } from './segment.js'
import { betweenOthers, type Stepwise } from './stepwise.js'

const lockFile = 'lock'
const positionFile = 'position'
const segmentName = /^\d{10}\.spool$/

/** The sub-folder of one writer: its segments, and up to where they were replayed. */
export class Lane {
  readonly folder: string
  /** Paths of what stands where its files belong, and is none of a spool. */
  readonly foreign: readonly string[]
  readonly #lock: FolderLock
  readonly #segments: Segment[]
  /** What is appended to; it stays when it is read to its end. */
  #active: Segment | null = null
  readonly #adopted: boolean

  private constructor(folder: string, lock: FolderLock, left?: Segment[], foreign: readonly string[] = []) {
    this.folder = folder
    this.foreign = foreign
    this.#lock = lock
    this.#segments = left ?? []
    this.#adopted = left !== undefined
  }

  /** A sub-folder of one's own. */
  static create(folder: string): Lane {
    const held = lock(folder)
    try {
      beginPosition(join(folder, positionFile))
      return new Lane(folder, held)
    } catch (cause) {
      held.release()
      throw cause
    }
  }

  /**
   * The sub-folder of a process that is gone.
   *
   * @throws AuditError `STORE_LOCKED` when that process lives, or another one was faster
   */
  static *adopt(folder: string): Stepwise<Lane> {
    const held = lock(folder)
    try {
      const foreign = [positionFile, ...segmentNames(folder)].map((name) => join(folder, name)).filter(isForeign)
      const segments: Segment[] = []
      for (const segment of waitingIn(folder, foreign)) {
        segment.rows = yield* countLines(segment.path, segment.from)
        segments.push(segment)
      }
      return new Lane(folder, held, segments, foreign)
    } catch (cause) {
      held.release()
      throw cause
    }
  }

  get size(): SpoolSize {
    let [rows, bytes] = [0, 0]
    for (const segment of this.#segments) {
      rows += segment.rows
      bytes += segment.end - segment.from
    }
    return { rows, bytes }
  }

  /** An empty segment to append to, after all others. */
  begin(number: number): Segment {
    const path = join(this.folder, `${String(number).padStart(10, '0')}.spool`)
    this.#active = { number, path, from: 0, end: 0, rows: 0 }
    this.#segments.push(this.#active)
    return this.#active
  }

  /** Nothing is appended any more to what was begun last. */
  seal(): void {
    this.#active = null
  }

  /** The next rows; null when none wait. */
  async read(limit: number): Promise<Reading | null> {
    await this.tidy().catch(() => undefined)
    const segment = this.#segments.find((one) => !isRead(one))
    return segment ? readSegment(segment, limit) : null
  }

  /**
   * Takes out what was read.
   *
   * @throws the error of a disk that keeps the position or a file from being written; in memory it moved all the same
   */
  async advance({ segment, lines, to }: Reading): Promise<void> {
    segment.from = to
    segment.rows = to >= segment.end ? 0 : segment.rows - lines
    await writePosition(join(this.folder, positionFile), { segment: segment.number, offset: to })
    await this.tidy()
  }

  /** Gives the sub-folder back, for the next process where something waits in it. */
  async release(): Promise<void> {
    this.seal()
    await this.tidy().catch(() => undefined)
    const isEmpty = this.#segments.length === 0
    if (isEmpty) clear(this.folder)
    this.#lock.release()
    if (isEmpty) removeEmpty(this.folder)
  }

  /** Removes the segments that were replayed, and are not appended to. */
  async tidy(): Promise<void> {
    while (this.#segments[0] && this.#segments[0] !== this.#active && isRead(this.#segments[0])) {
      const [first] = this.#segments
      if (this.#adopted && (await hasGrown(first))) return
      // What can't be removed is known by the position to have been read.
      this.#segments.shift()
      await rm(first.path, { force: true })
    }
  }
}

function isRead({ from, end }: Segment): boolean {
  return from >= end
}

function lock(folder: string): FolderLock {
  const refusal = (pid: number): AuditError =>
    new AuditError('STORE_LOCKED', `The spool folder ${folder} is in use by process ${pid}.`)
  return lockFolder({ folder, file: lockFile, refusal })
}

/** The segments of a writer that is gone; those that were replayed are removed. */
function waitingIn(folder: string, foreign: readonly string[]): Segment[] {
  const position = readPosition(join(folder, positionFile)) ?? { segment: 0, offset: 0 }
  return segmentNames(folder).flatMap((name) => {
    const [number, path] = [Number.parseInt(name, 10), join(folder, name)]
    if (foreign.includes(path)) return []
    if (number < position.segment) {
      rmSync(path, { force: true })
      return []
    }
    const end = statSync(path).size
    const from = number === position.segment ? Math.min(position.offset, end) : 0
    return [{ number, path, from, end, rows: 0 }]
  })
}

function segmentNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => segmentName.test(name))
    .sort()
}

/** A writer that was taken for dead, because its machine slept, may have gone on. */
async function hasGrown(segment: Segment): Promise<boolean> {
  const found = await lstat(segment.path).catch(() => null)
  if (!found?.isFile() || found.size <= segment.end) return false
  segment.end = found.size
  segment.rows = await betweenOthers(countLines(segment.path, segment.from))
  return true
}

/** Removes what is left beside the segments, also by those who died while they asked for the lock. */
function clear(folder: string): void {
  try {
    const names = readdirSync(folder).filter((name) => name === positionFile || name.startsWith(`${lockFile}.`))
    for (const name of names) rmSync(join(folder, name), { force: true })
  } catch {
    // The folder is gone, or stays; nothing waits in it.
  }
}

/** Removes a folder, unless another process has begun to look into it. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // It will be found empty, and removed then.
  }
}
