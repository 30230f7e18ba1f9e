/** What somebody would write who needs speed and no audit: rows as text, COPY, a queue in front. */

/** The columns of an attempt; what only an erasure or the summary of a flood fills is left out. */
export const copiedColumns = [
  ...['id', 'occurred_at', 'event', 'event_version', 'outcome', 'reason', 'severity', 'actor_type', 'actor_id'],
  ...['actor_label', 'on_behalf_of', 'subject_type', 'subject_id', 'attempted_hash', 'attempted_masked', 'class_name'],
  ...['method_name', 'tenant', 'session_id', 'request_id', 'address', 'proxy_chain', 'user_agent', 'device'],
  ...['http_method', 'route', 'status', 'duration_ms', 'scope', 'limit', 'retry_after', 'details'],
]
const into = `audit_event (${copiedColumns.map((column) => `"${column}"`).join(', ')})`

/** One prepared insert of one row: its statement, and its parameters. */
export const plainInsert = {
  name: 'plain-insert',
  text: `insert into ${into} values (${copiedColumns.map((_, index) => `$${index + 1}`).join(', ')})`,
}

export function valuesOf(row) {
  const { actor, subject, attempted } = row
  return [
    ...[row.id, row.occurredAt.toISOString(), row.event, row.eventVersion, row.outcome, row.reason, row.severity],
    ...[actor.type, actor.id, actor.label, json(row.onBehalfOf), subject?.type, subject?.id],
    ...[attempted?.hash, attempted?.masked, row.className, row.methodName, row.tenant, row.sessionId, row.requestId],
    ...[row.address, json(row.proxies), row.userAgent, json(row.device), row.httpMethod, row.route, row.status],
    ...[row.durationMs, row.scope, row.limit, row.retryAfter, json(row.details)],
  ]
}

function json(value) {
  return value === null ? null : JSON.stringify(value)
}

const escapes = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function text(value) {
  if (value === null || value === undefined) return '\\N'
  return /[\\\t\n\r]/.test(value) ? value.replace(/[\\\t\n\r]/g, (character) => escapes[character]) : value
}

function number(value) {
  return value === null ? '\\N' : value
}

/** Written out: twice as quick as a loop over the columns. */
function line(row) {
  const { actor, subject, attempted } = row
  return `${row.id}\t${row.occurredAt.toISOString()}\t${row.event}\t${row.eventVersion}\t${row.outcome}\t${text(row.reason)}\t${row.severity}\t${actor.type}\t${text(actor.id)}\t${text(actor.label)}\t${text(json(row.onBehalfOf))}\t${text(subject?.type)}\t${text(subject?.id)}\t${text(attempted?.hash)}\t${text(attempted?.masked)}\t${text(row.className)}\t${text(row.methodName)}\t${text(row.tenant)}\t${text(row.sessionId)}\t${text(row.requestId)}\t${text(row.address)}\t${text(json(row.proxies))}\t${text(row.userAgent)}\t${text(json(row.device))}\t${text(row.httpMethod)}\t${text(row.route)}\t${number(row.status)}\t${row.durationMs}\t${text(row.scope)}\t${number(row.limit)}\t${number(row.retryAfter)}\t${text(json(row.details))}\n`
}

function textOf(rows) {
  let all = ''
  for (const row of rows) all += line(row)
  return all
}

/** COPY on a client of `pg`, the data sent with the statement. */
export function pgCopy(client) {
  return (rows) =>
    new Promise((resolve, reject) => {
      client.query({
        submit(connection) {
          connection.stream.cork()
          connection.query(`copy ${into} from stdin`)
          connection.sendCopyFromChunk(Buffer.from(textOf(rows)))
          connection.endCopyFrom()
          connection.stream.uncork()
        },
        handleCopyInResponse() {},
        handleCommandComplete() {},
        handleError: reject,
        handleReadyForQuery: () => resolve(),
      })
    })
}

/** COPY on PGlite. */
export function pgliteCopy(client) {
  return (rows) => client.query(`copy ${into} from '/dev/blob'`, [], { blob: new Blob([textOf(rows)]) })
}

/** A group commit with nothing around it: what waits goes as soon as a writer is idle, and is shared out among those that are. */
export function groupCommit(writers) {
  const idle = [...writers]
  const queue = []
  let scheduled = false
  function send() {
    scheduled = false
    while (idle.length > 0 && queue.length > 0) {
      const batch = queue.splice(0, Math.min(1000, Math.max(64, Math.ceil(queue.length / idle.length))))
      const write = idle.pop()
      write(batch.map(({ row }) => row)).then(() => {
        idle.push(write)
        for (const { resolve } of batch) resolve()
        schedule()
      })
    }
  }
  function schedule() {
    if (scheduled || queue.length === 0 || idle.length === 0) return
    scheduled = true
    setImmediate(send)
  }
  return (row) =>
    new Promise((resolve) => {
      queue.push({ row, resolve })
      schedule()
    })
}
