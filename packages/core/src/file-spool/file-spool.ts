import { join, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import { AuditError } from '../audit-error.js'
import { assertKnownOptions, type KnownOptions } from '../known-options.js'
import { makeFolder } from '../make-folder.js'
import type { AuditRow } from '../row.js'
import { rowId } from '../row-id.js'
import type { AuditSpool, SpoolBatch, SpoolSize } from '../spool.js'
import { warn } from '../warn.js'
import { keepLine } from './durable-write.js'
import { damageFault, refusedLine } from './faults.js'
import { Lane } from './lane.js'
import { adoptOrphans, isTaken, type Orphans } from './orphans.js'
import { longestRecord, type Reading } from './segment.js'
import { SegmentWriter } from './segment-writer.js'
import { recordOf } from './spool-record.js'
import { atOnce, betweenOthers, type Stepwise } from './stepwise.js'
import { unusableFolder } from './unusable-folder.js'

/** Where and how a {@link fileSpool} keeps its rows. */
export interface FileSpoolOptions {
  /** Made where it is missing. Any number of processes may share it. */
  readonly folder: string
  /** How much may wait, in bytes (256 MiB); what comes beyond it is refused. */
  readonly maxBytes?: number
  /** How long a file grows, in bytes, before the next one is begun (4 MiB). */
  readonly segmentBytes?: number
}

const known: KnownOptions<FileSpoolOptions> = { folder: true, maxBytes: true, segmentBytes: true }

/**
 * A spool in a folder of the disk: each row is one line with its checksum, and is in the spool when
 * the disk has it. What processes that died have left there is replayed first.
 *
 * @throws AuditError `SPOOL_INVALID`, `SETTING_INVALID`
 * @example
 * const spool = fileSpool({ folder: 'data/spool', maxBytes: 2 ** 30 })
 */
export function fileSpool(options: FileSpoolOptions): AuditSpool {
  const { folder, maxBytes = 256 * 1024 * 1024, segmentBytes = 4 * 1024 * 1024 } = options ?? {}
  if (typeof folder !== 'string' || folder === '') {
    throw new AuditError('SPOOL_INVALID', "fileSpool needs a folder. Write: fileSpool({ folder: 'data/spool' })")
  }
  for (const [name, bytes] of Object.entries({ maxBytes, segmentBytes })) {
    if (Number.isSafeInteger(bytes) && bytes > 0) continue
    const message = `${name} of a fileSpool is a whole number of bytes above 0, and was ${inspect(bytes)}.`
    throw new AuditError('SPOOL_INVALID', message)
  }
  assertKnownOptions('fileSpool', options, known)
  const path = resolve(folder)
  try {
    return new FileSpool({ folder: path, maxBytes, segmentBytes })
  } catch (cause) {
    throw unusableFolder(path, cause)
  }
}

const lookAgainAfter = 60_000

class FileSpool implements AuditSpool {
  readonly name = 'file'
  readonly #folder: string
  readonly #maxBytes: number
  readonly #own: Lane
  readonly #writer: SegmentWriter
  /** In the order in which they are replayed. */
  #lanes: readonly Lane[]
  #lookedAt = 0
  /** What is found at every look is told once. */
  readonly #told = new Set<string>()
  #out: Reading | null = null
  #last: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | null = null
  #report: (fault: AuditError) => void = warn

  constructor({ folder, maxBytes, segmentBytes }: Required<FileSpoolOptions>) {
    makeFolder(folder)
    this.#folder = folder
    this.#maxBytes = maxBytes
    this.#own = ownLane(folder)
    this.#writer = new SegmentWriter(this.#own, segmentBytes)
    this.#lanes = [this.#own]
    this.#take(atOnce(this.#look()))
  }

  get size(): SpoolSize {
    let [rows, bytes] = [0, 0]
    for (const { size } of this.#lanes) {
      rows += size.rows
      bytes += size.bytes
    }
    return { rows, bytes }
  }

  async append(rows: readonly AuditRow[]): Promise<void> {
    if (this.#closing) throw new AuditError('SPOOL_FAILED', 'The spool is closed. Close it after the trail.')
    if (rows.length === 0) return
    const records = rows.map(recordOf)
    const text = records.join('')
    const bytes = Buffer.byteLength(text)
    if (bytes > longestRecord && records.some((record) => Buffer.byteLength(record) > longestRecord)) {
      throw new AuditError('SPOOL_FAILED', `A row is longer than ${longestRecord} bytes, which no spool takes.`)
    }
    const waiting = this.size.bytes + this.#writer.queuedBytes
    if (waiting + bytes > this.#maxBytes) {
      const message = `${waiting} bytes wait in the spool ${this.#folder}, which may hold ${this.#maxBytes}. Find out why the store is away, or raise maxBytes.`
      throw new AuditError('SPOOL_FULL', message)
    }
    await this.#writer.append(text, bytes, rows.length)
  }

  next(limit: number): Promise<SpoolBatch | null> {
    return this.#inTurn('read', async () => {
      this.#out = null
      if (this.#closing) return null
      const batch = await this.#nextOf(limit)
      if (batch || performance.now() - this.#lookedAt < lookAgainAfter) return batch
      this.#take(await betweenOthers(this.#look()))
      return this.#nextOf(limit)
    })
  }

  async setAside(row: AuditRow, cause: unknown): Promise<void> {
    const path = join(this.#folder, 'refused.jsonl')
    try {
      await keepLine(path, refusedLine(row, cause))
    } catch (failure) {
      throw new AuditError('SPOOL_FAILED', `A row can't be set aside in ${path}. See to the disk.`, { cause: failure })
    }
  }

  onFault(listener: (fault: AuditError) => void): void {
    this.#report = listener
  }

  close(): Promise<void> {
    this.#closing ??= this.#writer.close().then(() =>
      this.#inTurn('closed', async () => {
        await Promise.all(this.#lanes.map((lane) => lane.release()))
      }),
    )
    return this.#closing
  }

  async #nextOf(limit: number): Promise<SpoolBatch | null> {
    for (const lane of this.#lanes) {
      for (let reading = await lane.read(limit); reading; reading = await lane.read(limit)) {
        if (reading.rows.length > 0) return this.#handOut(lane, reading)
        await this.#settle(lane, reading)
      }
      if (lane !== this.#own) await this.#giveBack(lane)
    }
    return null
  }

  #handOut(lane: Lane, reading: Reading): SpoolBatch {
    this.#out = reading
    const done = (): Promise<void> =>
      this.#inTurn('read', async () => {
        // Of a spool that is closed another process may have the rows already.
        if (this.#out !== reading || this.#closing) return
        this.#out = null
        await this.#settle(lane, reading)
      })
    return { rows: reading.rows, done }
  }

  /** Takes out what was read; what was damaged is kept elsewhere first. */
  async #settle(lane: Lane, reading: Reading): Promise<void> {
    const kept = join(this.#folder, 'damaged')
    for (const damage of reading.damages) {
      if (damage.kind === 'damaged') await keepLine(kept, damage.raw)
      this.#report(damageFault(damage, kept))
    }
    try {
      await lane.advance(reading)
    } catch (cause) {
      const message = `What was replayed can't be marked in ${lane.folder}; after a crash it is replayed again. See to the disk.`
      this.#report(new AuditError('SPOOL_FAILED', message, { cause }))
    }
  }

  async #giveBack(lane: Lane): Promise<void> {
    this.#lanes = this.#lanes.filter((one) => one !== lane)
    await lane.release()
  }

  #look(): Stepwise<Orphans> {
    this.#lookedAt = performance.now()
    return adoptOrphans(this.#folder, this.#lanes)
  }

  #take({ lanes, faults }: Orphans): void {
    this.#lanes = [...lanes, ...this.#lanes]
    for (const fault of faults) {
      if (this.#told.has(fault.message)) continue
      this.#told.add(fault.message)
      // Whoever opens the spool listens in a moment.
      void setImmediate().then(() => this.#report(fault))
    }
  }

  #inTurn<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work).catch((cause: unknown) => {
      if (cause instanceof AuditError) throw cause
      throw new AuditError('SPOOL_FAILED', `The spool in ${this.#folder} can't be ${what}. See to the disk.`, { cause })
    })
    this.#last = result.catch(() => undefined)
    return result
  }
}

/** The sub-folder of this writer: who looks for orphans may hold it for a moment, before its lock is there. */
function ownLane(folder: string): Lane {
  for (let tries = 1; ; tries++) {
    try {
      return Lane.create(join(folder, rowId()))
    } catch (cause) {
      if (!isTaken(cause) || tries === 10) throw cause
    }
  }
}
