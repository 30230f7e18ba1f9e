import { AuditError, type AuditRow, type AuditSink, RecentIds, rowToJson, type Severity } from '@countersign/core'
import type { Logger } from 'pino'

/** How a {@link pinoSink} writes. */
export interface PinoSinkOptions {
  /** The level of a row's line; by its severity unless told. */
  readonly level?: (row: AuditRow) => string
  /** The message of a row's line; `login.failure` unless told. */
  readonly message?: (row: AuditRow) => string
  /** Milliseconds that the destination may take to flush (10,000); after them the write fails. */
  readonly flushTimeout?: number
}

const levels: Readonly<Record<Severity, string>> = {
  informational: 'info',
  low: 'info',
  medium: 'warn',
  high: 'error',
  critical: 'fatal',
}

/**
 * Writes each row as one line of a pino logger, in its JSON form under `audit`. A write resolves
 * when pino's destination has taken the lines and was flushed. What happens to them afterwards, in
 * a buffer, a pipe or a worker, nobody tells the sink: such rows are as safe as the logger's other
 * lines, which is good for a copy and little for the only one. A line that the logger's level
 * would drop is refused, and so counted and signalled as lost. Of the same row one line is
 * written, as far as the last 10,000 rows; who reads the lines tells rows apart by their id.
 *
 * @throws AuditError `SETTING_INVALID`
 * @example
 * const trail = createAuditTrail({ sink: fanOutSink({ sinks: [mikroOrmSink(orm)], copies: [pinoSink(pino())] }) })
 */
export function pinoSink(logger: Pick<Logger, 'flush' | 'isLevelEnabled'>, options: PinoSinkOptions = {}): AuditSink {
  const {
    level = ({ severity }) => levels[severity],
    message = ({ event, outcome }) => `${event}.${outcome}`,
    flushTimeout = 10_000,
  } = options
  if (typeof logger?.isLevelEnabled !== 'function') {
    throw new AuditError('SETTING_INVALID', 'pinoSink needs a logger. Write: pinoSink(pino())')
  }
  if (typeof flushTimeout !== 'number' || !(flushTimeout >= 1 && flushTimeout <= 2 ** 31 - 1)) {
    throw new AuditError('SETTING_INVALID', 'The flushTimeout of pinoSink is none. Write milliseconds, 1 or more.')
  }
  const recent = new RecentIds()
  const flush = sharedFlush(() => flushed(logger, flushTimeout))
  let closed = false
  return {
    name: 'pino',
    async write(rows) {
      if (closed) throw new AuditError('SINK_CLOSED', 'The sink is closed; close it last.')
      const unseen = recent.unseen(rows)
      if (unseen.length === 0) return
      // Whatever may throw comes before the first line: of what is counted as lost, nothing is written.
      const lines = unseen.map((row) => ({
        write: lineOf(logger, level(row)),
        fields: { audit: rowToJson(row) },
        text: message(row),
      }))
      for (const { write, fields, text } of lines) write(fields, text)
      await flush()
      recent.remember(unseen)
    },
    async close() {
      // The logger itself is its owner's to end.
      closed = true
      await flush()
    },
  }
}

type Line = (fields: object, message: string) => void

function lineOf(logger: Pick<Logger, 'isLevelEnabled'>, level: string): Line {
  const line = (logger as unknown as Readonly<Record<string, Line>>)[level]
  // Above every level stands 'silent', which writes nothing.
  if (line && level !== 'silent' && logger.isLevelEnabled(level)) return line.bind(logger)
  throw new AuditError(
    'SETTING_INVALID',
    `The logger drops what has level '${level}', and the row with it. Write: pinoSink(logger.child({}, { level: 'info' }))`,
  )
}

/** One flush at a time: who comes while one is under way shares the next. */
function sharedFlush(flush: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | null = null
  return () => {
    next ??= last
      .catch(() => undefined)
      .then(() => {
        next = null
        last = flush()
        return last
      })
    return next
  }
}

/** A destination may never call back, a worker that is gone for one: that must not hold up what comes later. */
function flushed(logger: Pick<Logger, 'flush'>, timeout: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new AuditError('SINK_FAILED', `The logger did not flush within ${timeout} ms.`))
    const late = setTimeout(giveUp, timeout).unref()
    logger.flush((cause) => {
      clearTimeout(late)
      if (cause) reject(cause)
      else resolve()
    })
  })
}
