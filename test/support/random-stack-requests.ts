import type { EventName } from '@countersign/core'
import { type handlers, identifying, type StackSpec } from './random-stacks.js'

/** Why an attempt that reached the handler did not succeed; null where it did. */
const reasons: Readonly<Record<keyof typeof handlers, string | null>> = {
  returns: null,
  'returns null': null,
  'returns nothing': 'not_found',
  'throws 401': 'bad_credentials',
  'throws 409': 'conflict',
  crashes: 'internal_error',
}

/** A row that an attempt leaves, as far as the stack decides it. */
export interface DeclaredRow {
  readonly event: EventName
  /** Whether the mixin takes the submitted address. */
  readonly attempted: boolean
}

/** The rows that an attempt leaves; a mixin that does not say what it audits needs the handler. */
export function rowsOf({ verb, own, layers }: StackSpec, reached: boolean): DeclaredRow[] {
  const audits = layers.filter(
    ({ kind }) => kind === 'mixin' || kind === 'decorator' || kind === 'by hand' || (reached && kind.startsWith('by')),
  )
  const rows = audits.map(({ kind, event }) => ({
    event,
    attempted: reached && verb !== 'Get' && kind === 'mixin' && identifying.includes(event),
  }))
  const all = own ? [{ event: own.event, attempted: false }, ...rows] : rows
  return all.sort((a, b) => (a.event < b.event ? -1 : 1))
}

/** One request of the series that every stack gets, and how its attempts must end. */
export interface Attempted {
  readonly name: string
  readonly path: string
  readonly init: RequestInit
  readonly reached: boolean
  readonly outcome: 'success' | 'failure' | 'denied' | null
  readonly reason: string | null
}

/** What is asked of every stack, in this order. */
export function requestsTo(spec: StackSpec, base: string): Attempted[] {
  const { verb, guard, middleware, handler } = spec
  const takesBody = verb !== 'Get'
  const headers = { 'content-type': 'application/json', 'user-agent': 'tester', authorization: 'admin' }
  const path = `${base}/7?note=a%20b`
  const init = (body: string, more: Record<string, string> = {}): RequestInit => ({
    method: verb.toUpperCase(),
    headers: { ...headers, ...more },
    ...(takesBody ? { body } : {}),
  })
  const valid = JSON.stringify({ email: 'ada@example.org', note: 'hi' })
  const reason = reasons[handler]
  const handled = { reached: true, outcome: reason === null ? 'success' : 'failure', reason } as const
  const refused = (why: string, outcome: 'failure' | 'denied' = 'failure') => ({ reached: false, outcome, reason: why })
  return [
    { name: 'valid', path, init: init(valid), ...handled },
    {
      name: 'unauthorised',
      path,
      init: init(valid, { authorization: 'nobody' }),
      ...(guard === 'none' ? handled : refused('forbidden', 'denied')),
    },
    {
      name: 'invalid',
      path,
      init: init('{"email":"nobody"}'),
      ...(takesBody ? refused('validation_failed') : handled),
    },
    { name: 'malformed', path, init: init('{"email":'), ...(takesBody ? refused('malformed_body') : handled) },
    {
      name: 'tea',
      path,
      init: init(valid, { 'x-tea': '1' }),
      ...(middleware === 'none' ? handled : refused('rejected')),
    },
    { name: 'unaudited', path: `${base}/7/peek`, init: { headers }, reached: true, outcome: null, reason: null },
    { name: 'again', path, init: init(valid), ...handled },
  ]
}
