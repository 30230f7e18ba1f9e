import { AssertionError } from 'node:assert'
import { isDeepStrictEqual } from 'node:util'
import type { AuditRow } from '../row.js'
import type { AuditTrail } from '../trail.js'

/** The part of a row that a test cares about. */
export type ExpectedRow = { readonly [Field in keyof AuditRow]?: unknown }

/** What {@link expectAudit} returns. */
export interface AuditExpectation {
  /** Runs the action and fails unless exactly these rows came of it, in this order. */
  toEmit(expected: readonly ExpectedRow[]): Promise<AuditRow[]>
  /** Runs the action and fails if any row came of it. */
  toEmitNothing(): Promise<void>
}

/**
 * States which rows an action leaves, and that it leaves no other. Nested objects match when the
 * named fields do. What the action throws does not matter here.
 *
 * @example
 * await expectAudit(trail, () => post('/login', wrong)).toEmit([
 *   { event: 'login', outcome: 'failure', reason: 'bad_credentials' },
 * ])
 */
export function expectAudit(trail: AuditTrail, action: () => unknown): AuditExpectation {
  return {
    async toEmit(expected) {
      const rows = await rowsOf(trail, action)
      const right = rows.length === expected.length && expected.every((row, index) => matches(rows[index], row))
      if (!right) throw unexpected(rows, expected)
      return rows
    },
    async toEmitNothing() {
      const rows = await rowsOf(trail, action)
      if (rows.length > 0) throw unexpected(rows, [])
    },
  }
}

async function rowsOf(trail: AuditTrail, action: () => unknown): Promise<AuditRow[]> {
  const rows: AuditRow[] = []
  const off = trail.signals.on('*', ({ row }) => rows.push(row))
  try {
    await Promise.resolve()
      .then(action)
      .catch(() => undefined)
    // A row that nobody waits for is announced a turn later.
    await new Promise((resolve) => setImmediate(resolve))
    await trail.settled()
  } finally {
    off()
  }
  return rows
}

function matches(actual: unknown, expected: unknown): boolean {
  if (expected instanceof RegExp) return typeof actual === 'string' && expected.test(actual)
  if (typeof expected !== 'object' || expected === null || expected instanceof Date) {
    return isDeepStrictEqual(actual, expected)
  }
  if (typeof actual !== 'object' || actual === null) return false
  if (Array.isArray(expected) && !(Array.isArray(actual) && actual.length === expected.length)) return false
  return Object.entries(expected).every(([key, value]) => matches((actual as Record<string, unknown>)[key], value))
}

function unexpected(rows: readonly AuditRow[], expected: readonly ExpectedRow[]): AssertionError {
  const fields = new Set(expected.flatMap((row) => Object.keys(row)).concat('event', 'outcome', 'reason'))
  const actual = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([field]) => fields.has(field))))
  const lines = actual.map((row) => `\n  ${printed(row)}`).join('') || ' none'
  return new AssertionError({
    message: `expected ${expected.length} audit row(s):${expected.map((row) => `\n  ${printed(row)}`).join('') || ' none'}\ngot ${rows.length}:${lines}`,
    actual,
    expected,
    operator: 'expectAudit',
  })
}

function printed(row: object): string {
  return JSON.stringify(row, (_, value) => (value instanceof RegExp ? String(value) : value))
}
