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
function parseLimit(scope: string, text: string): Window {
  const match = form.exec(text)
  const points = Number(match?.[1])
  const seconds = (match?.[2] === '' ? 1 : Number(match?.[2])) * (units[match?.[3] ?? ''] ?? 0)
  if (!match || points < 1 || seconds < 1) {
    throw new AuditError(
      'LIMIT_INVALID',
      `The limit '${text}' of '${scope}' is none. Write '10/min', '5/5min', '100/h', or null to switch it off.`,
    )
  }
  return { points, seconds }
}

/** The windows of every scope, by scope and respect. */
export function windowsOf(scopes: ScopeLimits): Map<string, Map<LimitedBy, Window>> {
  return new Map(
    Object.entries(scopes).map(([scope, limit]) => {
      if (!isSnakeCase(scope)) {
        throw new AuditError('LIMIT_INVALID', `The scope name '${scope}' must be in snake_case.`)
      }
      const both = typeof limit === 'string' ? { address: limit } : (limit ?? {})
      const windows = new Map<LimitedBy, Window>()
      for (const by of ['address', 'identifier', 'failures'] as const) {
        const text = both[by]
        if (text) windows.set(by, parseLimit(scope, text))
      }
      return [scope, windows]
    }),
  )
}
