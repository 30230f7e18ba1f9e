import { AssertionError } from 'node:assert'
import { inspect, isDeepStrictEqual } from 'node:util'
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
 * named fields do. What the action throws does not matter here; where the rows are not as
 * expected, it is said with them.
 *
 * @example
 * await expectAudit(trail, () => post('/login', wrong)).toEmit([
 *   { event: 'login', outcome: 'failure', reason: 'bad_credentials' },
 * ])
 */
export function expectAudit(trail: AuditTrail, action: () => unknown): AuditExpectation {
  return {
    async toEmit(expected) {
      const left = await leftBy(trail, action)
      const { rows } = left
      const right = rows.length === expected.length && expected.every((row, index) => matches(rows[index], row))
      if (!right) throw unexpected(left, expected)
      return rows
    },
    async toEmitNothing() {
      const left = await leftBy(trail, action)
      if (left.rows.length > 0) throw unexpected(left, [])
    },
  }
}

/** What came of an action. */
interface Left {
  readonly rows: AuditRow[]
  readonly thrown: { readonly error: unknown } | undefined
}

async function leftBy(trail: AuditTrail, action: () => unknown): Promise<Left> {
  const rows: AuditRow[] = []
  let thrown: Left['thrown']
  const off = trail.signals.on('*', ({ row }) => rows.push(row))
  try {
    await Promise.resolve()
      .then(action)
      .catch((error: unknown) => {
        thrown = { error }
      })
    // A row that nobody waits for is announced a turn later.
    await new Promise((resolve) => setImmediate(resolve))
    await trail.settled()
  } finally {
    off()
  }
  return { rows, thrown }
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

function unexpected({ rows, thrown }: Left, expected: readonly ExpectedRow[]): AssertionError {
  const fields = new Set(expected.flatMap((row) => Object.keys(row)).concat('event', 'outcome', 'reason'))
  const actual = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([field]) => fields.has(field))))
  const lines = actual.map((row) => `\n  ${printed(row)}`).join('') || ' none'
  const failure = new AssertionError({
    message: `expected ${expected.length} audit row(s):${expected.map((row) => `\n  ${printed(row)}`).join('') || ' none'}\ngot ${rows.length}:${lines}${thrown ? `\nThe action threw: ${said(thrown.error)}` : ''}`,
    actual,
    expected,
    operator: 'expectAudit',
  })
  return thrown ? Object.assign(failure, { cause: thrown.error }) : failure
}

function said(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error, { depth: 1 })
  const { name, message, code } = error as Error & { readonly code?: unknown }
  return `${name}${typeof code === 'string' ? ` ${code}` : ''}: ${message}`
}

function printed(row: object): string {
  return JSON.stringify(row, (_, value) => (value instanceof RegExp ? String(value) : value))
}
