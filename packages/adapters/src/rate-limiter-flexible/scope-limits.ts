import { inspect } from 'node:util'
import { AuditError, isSnakeCase, type LimitedBy } from '@countersign/core'

/** `'10/min'`, `'5/5min'`, `'100/h'`, `'2/day'`, `'20/30s'`; null for no limit. */
export type Limit = string | null

/** The limits of a scope: a text counts by address alone; null switches the scope off. */
export type ScopeLimit = Limit | { readonly [By in LimitedBy]?: Limit }

/** Every scope by its name. */
export type ScopeLimits = Readonly<Record<string, ScopeLimit>>

/** So many attempts in so many seconds. */
export interface Window {
  readonly points: number
  readonly seconds: number
}

const units: Readonly<Record<string, number>> = {
  s: 1,
  sec: 1,
  min: 60,
  m: 60,
  h: 3600,
  hour: 3600,
  d: 86_400,
  day: 86_400,
}
const form = /^(\d{1,6})\/(\d{0,5})\s?(s|sec|m|min|h|hour|d|day)$/

/** @throws AuditError `LIMIT_INVALID` */
function parseLimit(scope: string, text: unknown): Window {
  const match = typeof text === 'string' ? form.exec(text) : null
  const points = Number(match?.[1])
  const seconds = (match?.[2] === '' ? 1 : Number(match?.[2])) * (units[match?.[3] ?? ''] ?? 0)
  if (!match || points < 1 || seconds < 1) throw notALimit(scope, text)
  return { points, seconds }
}

/**
 * The windows of every scope, by scope and respect. Only null switches something off.
 * @throws AuditError `LIMIT_INVALID`
 */
export function windowsOf(scopes: ScopeLimits): Map<string, Map<LimitedBy, Window>> {
  if (typeof scopes !== 'object' || scopes === null || Array.isArray(scopes)) {
    throw new AuditError(
      'LIMIT_INVALID',
      `${inspect(scopes)} was given for the scopes. Write: flexibleLimiter({ scopes: { login: '10/min' } })`,
    )
  }
  return new Map(Object.entries(scopes).map(([scope, limit]) => [scope, windowsOfScope(scope, limit)]))
}

const respects: readonly string[] = ['address', 'identifier', 'failures'] satisfies LimitedBy[]

function windowsOfScope(scope: string, limit: ScopeLimit): Map<LimitedBy, Window> {
  if (!isSnakeCase(scope)) throw new AuditError('LIMIT_INVALID', `The scope name '${scope}' must be in snake_case.`)
  const windows = new Map<LimitedBy, Window>()
  if (limit === null) return windows
  const byRespect = Object.entries(typeof limit === 'object' ? limit : { address: limit })
  if (Array.isArray(limit) || byRespect.length === 0) throw notALimit(scope, limit)
  for (const [respect, text] of byRespect) {
    if (!respects.includes(respect)) throw notALimit(scope, respect)
    if (text !== null) windows.set(respect as LimitedBy, parseLimit(scope, text))
  }
  return windows
}

function notALimit(scope: string, limit: unknown): AuditError {
  return new AuditError(
    'LIMIT_INVALID',
    `The limit ${inspect(limit)} of '${scope}' is none. Write '10/min', '5/5min', '100/h', { address: '10/min', failures: '5/5min' }, or null to switch it off.`,
  )
}
