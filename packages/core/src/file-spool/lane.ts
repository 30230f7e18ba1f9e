import { readdirSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AuditError } from '../audit-error.js'
import { type FolderLock, lockFolder } from '../folder-lock.js'
import type { SpoolSize } from '../spool.js'
import { beginPosition, readPosition, writePosition } from './position.js'
import { countLines, type Reading, readSegment, type Segment } from './segment.js'

const lockFile = 'lock'
const positionFile = 'position'
const segmentName = /^\d{10}\.spool$/

/** The sub-folder of one writer: its segments, and up to where they were replayed. */
export class Lane {
  readonly folder: string
  readonly #lock: FolderLock
  readonly #segments: Segment[]
  /** What is appended to; it stays when it is read to its end. */
  #active: Segment | null = null

  private constructor(folder: string, lock: FolderLock, segments: Segment[]) {
    this.folder = folder
    this.#lock = lock
    this.#segments = segments
  }

  /** A sub-folder of one's own. */
  static create(folder: string): Lane {
    const held = lock(folder)
    try {
      beginPosition(join(folder, positionFile))
      return new Lane(folder, held, [])
    } catch (cause) {
      held.release()
      throw cause
    }
  }

  /**
   * The sub-folder of a process that is gone; it may be left alone, for a moment, wherever it yields.
   *
   * @throws AuditError `STORE_LOCKED` when that process lives, or another one was faster
   */
  static *adopt(folder: string): Generator<void, Lane> {
    const held = lock(folder)
    try {
      const segments: Segment[] = []
      for (const segment of waitingIn(folder)) {
        segment.rows = yield* countLines(segment.path, segment.from)
        segments.push(segment)
      }
      return new Lane(folder, held, segments)
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
    await this.#removeRead().catch(() => undefined)
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
    await this.#removeRead()
  }

  /** Gives the sub-folder back, for the next process where something waits in it. */
  async release(): Promise<void> {
    this.seal()
    await this.#removeRead().catch(() => undefined)
    if (this.#segments.length > 0) return this.#lock.release()
    try {
      // Whoever died while it asked for the lock may have left something beside it.
      const rest = readdirSync(this.folder).filter((name) => name === positionFile || name.startsWith(`${lockFile}.`))
      for (const name of rest) rmSync(join(this.folder, name), { force: true })
    } finally {
      this.#lock.release()
    }
    removeEmpty(this.folder)
  }

  async #removeRead(): Promise<void> {
    while (this.#segments[0] && this.#segments[0] !== this.#active && isRead(this.#segments[0])) {
      // What can't be removed is known by the position to have been read.
      const { path } = this.#segments.shift() as Segment
      await rm(path, { force: true })
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
function waitingIn(folder: string): Segment[] {
  const position = readPosition(join(folder, positionFile)) ?? { segment: 0, offset: 0 }
  const names = readdirSync(folder).filter((name) => segmentName.test(name))
  return names.sort().flatMap((name) => {
    const [number, path] = [Number.parseInt(name, 10), join(folder, name)]
    if (number < position.segment) {
      rmSync(path, { force: true })
      return []
    }
    const end = statSync(path).size
    const from = number === position.segment ? Math.min(position.offset, end) : 0
    return [{ number, path, from, end, rows: 0 }]
  })
}

/** Removes a folder, unless another process has begun to look into it. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // It will be found empty, and removed then.
  }
}
