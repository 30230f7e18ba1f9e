import { availableParallelism } from 'node:os'
import { AuditError } from '../audit-error.js'
import { BundleSource } from './bundle-reader.js'
import { inOrder } from './in-order.js'
import { LeafChecks } from './leaf-checks.js'
import type { CheckedRecord, LogSource } from './log-record.js'
import { type KnownOfLog, LogVerification, type VerifyReport } from './log-verification.js'

/** What a verification is told. */
export interface VerifyOptions extends KnownOfLog {
  /** Told now and then how many leaves were read. */
  readonly onProgress?: (leaves: number) => void
  /**
   * How many threads hold leaves against their rows, so that the calling one stays free for others; with 0 or 1 it does
   * that itself. As many as the machine runs at once, and at most 4, unless told. A few thousand leaves need none.
   */
  readonly threads?: number
}

const mostThreads = 64

/**
 * Reads a log from its beginning to its end and says what is wrong with it. It needs memory for what it finds, not
 * for what it reads.
 *
 * @throws AuditError `VERIFICATION_FAILED` where a thread broke down, and whatever reading the log throws
 * @example
 * import { createReadStream } from 'node:fs'
 *
 * const keys = [noteVerifier('example.org/audit+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k')]
 * const report = await verifyLog(await readBundle(createReadStream('trail.jsonl')), { keys })
 * if (!report.sound) console.error(report.findings)
 */
export async function verifyLog(source: LogSource, options: VerifyOptions = {}): Promise<VerifyReport> {
  const checks = new LeafChecks(threadsOf(options))
  try {
    const verification = new LogVerification(source.head, options)
    for await (const records of checkedRecords(source, checks)) {
      for (const record of records) verification.take(record)
      options.onProgress?.(verification.leaves)
    }
    return verification.end()
  } finally {
    await checks.end()
  }
}

function threadsOf({ threads = Math.min(availableParallelism(), 4) }: VerifyOptions): number {
  if (Number.isInteger(threads) && threads >= 0 && threads <= mostThreads) return threads
  throw new AuditError('SETTING_INVALID', `threads must be a whole number from 0 to ${mostThreads}.`)
}

function checkedRecords(source: LogSource, checks: LeafChecks): AsyncIterable<readonly CheckedRecord[]> {
  if (source instanceof BundleSource) return source.checked(checks)
  return inOrder(
    source.records(),
    (records) => checks.records(records),
    () => checks.atOnce,
  )
}
