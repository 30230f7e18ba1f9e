import { Worker } from 'node:worker_threads'
import { AuditError } from '../audit-error.js'
import type { ReadLine } from './bundle-lines.js'
import type { LeafWork } from './leaf-work.js'
import { type PackedLines, unpacked } from './packed-lines.js'

interface Waiting {
  resolve(lines: ReadLine[]): void
  reject(error: AuditError): void
}

// What is alive at a time is one piece of work: more room would only be filled before it is cleared.
const limits = { maxYoungGenerationSizeMb: 16 }

/** A thread that holds leaves against their rows. It keeps no process alive but for what it was given to do. */
export class LeafThread {
  readonly #worker: Worker
  /** Answers come in the order of the questions. */
  readonly #waiting: Waiting[] = []
  #isReady = false

  /** @throws what `Worker` throws where there can be none */
  constructor() {
    const options = { name: 'countersign-leaves', execArgv: [], resourceLimits: limits }
    this.#worker = new Worker(new URL('./leaf-worker.js', import.meta.url), options)
    this.#worker.on('message', (message: PackedLines | 'ready') => {
      if (message === 'ready') this.#isReady = true
      else this.#answered(message)
    })
    this.#worker.on('error', (cause) => this.#failed(cause))
    this.#worker.on('messageerror', (cause) => this.#failed(cause))
    this.#worker.on('exit', (code) => this.#failed(new Error(`The thread ended with ${code}.`)))
    // After all listeners: one for messages keeps the process, whatever was said before.
    this.#worker.unref()
  }

  /** False before it has started, and where it could not. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** How much it was given, and has not done. */
  get load(): number {
    return this.#waiting.length
  }

  async work(work: LeafWork): Promise<ReadLine[]> {
    this.#send(work)
    if (this.#waiting.length === 0) this.#worker.ref()
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #send(work: LeafWork): void {
    if ('records' in work) {
      this.#worker.postMessage(work)
      return
    }
    // A copy to give away: whose bytes they are, and what else is in their buffer, is not known here.
    const lines = new Uint8Array(work.lines)
    this.#worker.postMessage({ lines }, [lines.buffer])
  }

  #answered(lines: PackedLines): void {
    this.#waiting.shift()?.resolve(unpacked(lines))
    if (this.#waiting.length === 0) this.#worker.unref()
  }

  #failed(cause: unknown): void {
    this.#isReady = false
    const message = 'A thread that read the log failed, and nothing is known of the log. Verify it again.'
    const error = new AuditError('VERIFICATION_FAILED', message, { cause })
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
