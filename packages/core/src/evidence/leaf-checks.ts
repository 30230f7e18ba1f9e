import { setImmediate } from 'node:timers/promises'
import type { ReadLine } from './bundle-lines.js'
import { LeafThread } from './leaf-thread.js'
import { type LeafWork, worked } from './leaf-work.js'
import type { CheckedRecord, LogRecord } from './log-record.js'

// Starting threads takes as long as a few thousand leaves do.
const linesBeforeThreads = 4000
// One that is worked on, one that is on its way, and one that makes up for another that took long.
const worksOfThread = 3

/** Holds leaves against their rows: on threads, once there is enough to do, and where there are none in the calling one. */
export class LeafChecks {
  readonly #most: number
  readonly #threads: LeafThread[] = []
  #lines = 0
  #isStarted = false

  /** With fewer than two threads all is done by the calling one. */
  constructor(threads: number) {
    this.#most = threads < 2 ? 0 : threads
  }

  /** How many pieces of work are to be given to it before the first of them is awaited. */
  get atOnce(): number {
    return 1 + this.#ready.length * worksOfThread
  }

  /** Takes whole lines of a bundle apart. */
  async lines(bytes: Uint8Array): Promise<ReadLine[]> {
    return this.#check({ lines: bytes })
  }

  /** Rows that were taken apart already are not worth sending to another thread. */
  async records(records: readonly LogRecord[]): Promise<CheckedRecord[]> {
    const work = { records }
    const isUnread = records.some((record) => 'leaf' in record && typeof record.leaf.rowText === 'string')
    return (isUnread ? this.#check(work) : this.#here(work)) as Promise<CheckedRecord[]>
  }

  async end(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.end()))
  }

  async #check(work: LeafWork): Promise<ReadLine[]> {
    const [thread] = this.#ready.sort((a, b) => a.load - b.load)
    if (thread) return thread.work(work)
    const lines = await this.#here(work)
    this.#lines += lines.length
    if (this.#lines >= linesBeforeThreads) this.#start()
    return lines
  }

  async #here(work: LeafWork): Promise<ReadLine[]> {
    const lines = worked(work)
    // Whoever else lives in this thread has a turn.
    await setImmediate()
    return lines
  }

  get #ready(): LeafThread[] {
    return this.#threads.filter(({ isReady }) => isReady)
  }

  #start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    try {
      while (this.#threads.length < this.#most) this.#threads.push(new LeafThread())
    } catch {
      // Not every process may have threads; what it has is enough.
    }
  }
}
