import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { AuditError } from '../audit-error.js'
import { syncFolder, writeAll } from './durable-write.js'
import type { Lane } from './lane.js'
import type { Segment } from './segment.js'

/** Records of one caller. */
interface Waiting {
  readonly text: string
  readonly bytes: number
  readonly rows: number
  readonly resolve: () => void
  readonly reject: (cause: unknown) => void
}

interface Opened {
  readonly segment: Segment
  readonly file: FileHandle
}

/** Appends to the segments of a lane. Callers who come while a write is under way share the next one. */
export class SegmentWriter {
  readonly #lane: Lane
  readonly #segmentBytes: number
  #opened: Opened | null = null
  #begun = 0
  #failing = false
  #queue: Waiting[] = []
  #queuedBytes = 0
  #running: Promise<void> | null = null

  constructor(lane: Lane, segmentBytes: number) {
    this.#lane = lane
    this.#segmentBytes = segmentBytes
  }

  /** What is not on the disk yet. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Resolves when the disk has the records. */
  append(text: string, bytes: number, rows: number): Promise<void> {
    this.#queuedBytes += bytes
    return new Promise((resolve, reject) => {
      this.#queue.push({ text, bytes, rows, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await this.#running
    await this.#seal()
  }

  async #run(): Promise<void> {
    // Callers of the same turn of the event loop go out together.
    await setImmediate()
    while (this.#queue.length > 0) {
      const group = this.#take()
      try {
        await this.#write(group)
        for (const { resolve } of group) resolve()
      } catch (cause) {
        const failure = failed(this.#lane.folder, cause)
        for (const { reject } of group) reject(failure)
      }
    }
    this.#running = null
  }

  #take(): Waiting[] {
    let bytes = 0
    const over = this.#queue.findIndex((waiting, index) => {
      bytes += waiting.bytes
      return index > 0 && bytes > this.#segmentBytes
    })
    return this.#queue.splice(0, over < 0 ? this.#queue.length : over)
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    const bytes = Buffer.from(group.map(({ text }) => text).join(''))
    try {
      if (this.#failing) await this.#makeRoom()
      this.#failing = true
      this.#opened ??= await this.#begin()
      const { segment, file } = this.#opened
      await this.#store(file, segment, bytes)
      this.#failing = false
      segment.end += bytes.length
      for (const { rows } of group) segment.rows += rows
      if (segment.end >= this.#segmentBytes) await this.#seal()
    } finally {
      this.#queuedBytes -= bytes.length
    }
  }

  async #store(file: FileHandle, { end }: Segment, bytes: Buffer): Promise<void> {
    let written = false
    try {
      await writeAll(file, bytes, end)
      written = true
      await file.datasync()
      if ((await file.stat()).nlink === 0) throw new Error('The file was removed while it was written to.')
    } catch (cause) {
      const cut = await file.truncate(end).then(
        () => true,
        () => false,
      )
      // After a failed sync nobody knows what the disk has of the next one.
      if (written || !cut) await this.#seal()
      throw cause
    }
  }

  /** On a disk that is full, what was replayed must not take the place of what comes. */
  async #makeRoom(): Promise<void> {
    const segment = this.#opened?.segment
    if (segment && segment.from >= segment.end) await this.#seal()
    await this.#lane.tidy().catch(() => undefined)
  }

  async #begin(): Promise<Opened> {
    const segment = this.#lane.begin(++this.#begun)
    let file: FileHandle | null = null
    try {
      file = await open(segment.path, 'wx', 0o600)
      const { folder } = this.#lane
      await syncFolder(folder)
      // The folder itself is new, and the one around it may be.
      if (this.#begun === 1) for (const path of [dirname(folder), dirname(dirname(folder))]) await syncFolder(path)
      return { segment, file }
    } catch (cause) {
      this.#lane.seal()
      await file?.close()
      await this.#lane.tidy().catch(() => undefined)
      throw cause
    }
  }

  async #seal(): Promise<void> {
    const opened = this.#opened
    this.#opened = null
    this.#lane.seal()
    // What it holds is on the disk already.
    await opened?.file.close().catch(() => undefined)
  }
}

function failed(folder: string, cause: unknown): AuditError {
  return new AuditError('SPOOL_FAILED', `The spool in ${folder} can't be written. See to the disk.`, { cause })
}
