import { AuditError, type AuditRow, type AuditSink, GroupCommit, RecentIds, rowToLine } from '@countersign/core'
import { AppendFile } from './append-file.js'

/** Where and how a {@link jsonlSink} writes. */
export interface JsonlSinkOptions {
  /** The file; its folder must exist. One sink writes to it, in one process. */
  readonly path: string
  /** Permissions of a file that is made (0o600, its owner alone). */
  readonly mode?: number
  /** Whether a write ends only when the disk has the rows, so that they survive a power cut (true). */
  readonly fsync?: boolean
}

/** A sink whose file can be moved away under it. */
export interface JsonlSink extends AuditSink {
  /**
   * Lets go of the file after what is under way; the next row goes to what is then at the path.
   * To be called when the file was renamed: until then rows go to it under its new name.
   *
   * @example
   * const sink = jsonlSink({ path: 'audit.jsonl' })
   * process.on('SIGHUP', () => void sink.reopen())
   */
  reopen(): Promise<void>
}

/**
 * Appends each row to a file, as one line of JSON. Concurrent attempts share a write and an fsync.
 * What can't be written (a full disk, a missing folder) is lost and said to be; the next row tries
 * anew. The same row is written once as far as the last 10,000 rows; after a restart or a failure
 * it may be there twice: who reads the file tells rows apart by their id.
 *
 * @throws AuditError `SETTING_INVALID`
 * @example
 * const trail = createAuditTrail({ sink: jsonlSink({ path: '/var/log/shop/audit.jsonl' }) })
 */
export function jsonlSink(options: JsonlSinkOptions): JsonlSink {
  const { path, mode = 0o600, fsync = true } = options ?? {}
  if (typeof path !== 'string' || path === '') {
    throw new AuditError('SETTING_INVALID', "jsonlSink needs a file. Write: jsonlSink({ path: 'audit.jsonl' })")
  }
  const file = new AppendFile({ path, mode, fsync })
  const recent = new RecentIds()
  const append = async (rows: readonly AuditRow[]): Promise<void> => {
    const unseen = recent.unseen(rows)
    if (unseen.length === 0) return
    await file.append(unseen.map((row) => `${rowToLine(row)}\n`).join(''))
    recent.remember(unseen)
  }
  const commits = new GroupCommit(append, { inFlight: 1, isRowFault })
  return {
    name: 'jsonl',
    write: (rows) => commits.add(rows),
    reopen: () => file.release(),
    async close() {
      await commits.close()
      await file.release()
    },
  }
}

/** True where one row has no line; its neighbours have theirs. */
function isRowFault(cause: unknown): boolean {
  return cause instanceof AuditError && cause.code === 'ROW_INVALID'
}
