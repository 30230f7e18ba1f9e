import { type AuditRow, type AuditSink, rowId } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'

const now = new Date()
const outcomes = ['success', 'success', 'success', 'success', 'success', 'success', 'failure', 'denied'] as const
const events = ['logout', 'role_change', 'data_export', 'signup', 'password_change', 'data_request', 'audit_read']

/** Where a month begins, so many months from this one. */
export function monthAt(months: number): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1))
}

/** An id as a row of that moment would have it. */
export function idAt(time: number): string {
  const moment = Math.floor(time).toString(16).padStart(12, '0')
  return `${moment.slice(0, 8)}-${moment.slice(8)}${rowId().slice(13)}`
}

/**
 * Rows of five months that were, of this one and of the two to come, for which there are partitions.
 * A few values have many of them and most have few; those of one event ended early in every month,
 * which no statistics of one column tell.
 */
function storedMonths(perMonth: number): AuditRow[][] {
  return [-5, -4, -3, -2, -1, 0, 1, 2].map((month) => {
    const [from, to] = [monthAt(month).getTime(), monthAt(month + 1).getTime()]
    return Array.from({ length: perMonth }, (_, index) => {
      const done = index / perMonth
      return storedRow(index, from + (to - from) * done, done)
    })
  })
}

/** Writes {@link storedMonths}. */
export async function storeMonths(sink: AuditSink, perMonth: number): Promise<void> {
  for (const [first, ...others] of storedMonths(perMonth)) {
    // The first one makes the partition: all of a copy that finds none is written again.
    await sink.write([first as AuditRow])
    await sink.write(others)
  }
}

function storedRow(index: number, time: number, done: number): AuditRow {
  const [one, other, third] = [few(index * 7919), few(index * 104_729), few(index * 1_299_709)]
  const outcome = outcomes[one % outcomes.length] as AuditRow['outcome']
  return sampleRow({
    id: idAt(time),
    event: (done < 0.3 ? 'login' : events[other % events.length]) as AuditRow['event'],
    outcome,
    actor: index % 3 === 0 ? { type: 'anonymous' } : { type: 'user', id: `u-${one}` },
    subject: index % 2 === 0 ? null : { type: 'user', id: `u-${third % 4 === 0 ? one : third}` },
    attempted: outcome === 'success' ? null : { hash: `u-${other}`, masked: '***' },
    address: `192.0.2.${other}`,
    requestId: index % 20 === 0 ? 'the-same' : rowId(),
    details: {} as AuditRow['details'],
  })
}

/** A number below 100; small ones often, large ones seldom. */
function few(seed: number): number {
  const share = (Math.imul(seed ^ (seed >>> 7), 2_654_435_761) >>> 0) / 2 ** 32
  return Math.floor(100 ** share) - 1
}
