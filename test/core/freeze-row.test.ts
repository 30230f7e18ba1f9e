import { type AuditRow, type AuditSink, fanOutSink, filteringSink, memorySink, runInContext } from '@countersign/core'
import { describe, expect, it } from 'vitest'
import { onlyRow, recording } from '../support/recording.js'

/** A row with every part that is an object. */
const everything = {
  outcome: 'failure',
  actor: { id: 'u-1', label: 'Ada' },
  onBehalfOf: { id: 'u-2' },
  subject: { type: 'user', id: 'u-3' },
  attempted: 'ada@example.org',
  details: { nested: { list: [{ deep: 1 }] } },
} as const

function frozenParts(value: unknown, path = 'row'): string[] {
  if (typeof value !== 'object' || value === null || value instanceof Date) return []
  const inner = Object.entries(value).flatMap(([key, part]) => frozenParts(part, `${path}.${key}`))
  return Object.isFrozen(value) ? inner : [path, ...inner]
}

/** Changes what it gets in every way; each change throws, and is tried by itself. */
function tamper(rows: readonly AuditRow[]): void {
  const [row] = rows as AuditRow[]
  const changes = [
    () => Object.assign(row as object, { outcome: 'success' }),
    () => Object.assign((row as AuditRow).details, { password: 'hunter2' }),
    () => Object.assign((row as AuditRow).actor, { id: 'forged' }),
    () => ((rows as AuditRow[]).length = 0),
  ]
  for (const change of changes) expect(change).toThrow(TypeError)
}

const tampering: AuditSink = {
  name: 'tampering',
  async write(rows) {
    tamper(rows)
  },
}

describe('a row', () => {
  it('is frozen in all its parts before anybody is shown it', async () => {
    const recorded = recording({ device: () => ({ browser: 'Firefox' }) })
    const context = { userAgent: 'Firefox', proxies: [{ address: '10.0.0.1', trusted: true }] }
    await runInContext(context, () => recorded.trail.record('login', everything as never))
    const row = onlyRow(recorded)
    expect([row.device, row.proxies, row.subject, row.attempted, row.onBehalfOf]).not.toContain(null)
    expect(frozenParts(row)).toEqual([])
  })

  it('can be changed for the others by no sink, copy or filter that is shown it', async () => {
    const [first, last] = [memorySink(), memorySink()]
    const filter = filteringSink(last, (row) => {
      tamper(Object.freeze([row]))
      return true
    })
    const { trail } = recording({ sink: fanOutSink({ sinks: [tampering, first, filter], copies: [tampering] }) })
    await trail.record('login', everything as never)
    for (const { rows } of [first, last]) {
      expect(rows).toMatchObject([{ outcome: 'failure', actor: { id: 'u-1' }, details: { nested: {} } }])
      expect(JSON.stringify(rows)).not.toContain('hunter2')
    }
    expect(trail.counts).toEqual({ recorded: 1, vetoed: 0, lost: 0 })
  })

  it('can be changed by no veto, which comes after the last look for secrets', async () => {
    const recorded = recording({
      veto: (row) => {
        Object.assign(row.details, { password: 'hunter2' })
        return false
      },
    })
    await recorded.trail.record('login', everything as never)
    expect(JSON.stringify(onlyRow(recorded))).not.toContain('hunter2')
    expect(recorded.faults).toMatchObject([{ code: 'STEP_FAILED' }])
  })

  it('is a copy for the transform, which may change it, and changes nothing when it throws', async () => {
    const changing = recording({
      transform: (row) => {
        Object.assign(row.details, { added: true })
        return row
      },
    })
    await changing.trail.record('login', everything as never)
    expect(onlyRow(changing).details).toMatchObject({ added: true, nested: {} })

    const throwing = recording({
      transform: (row) => {
        Object.assign(row.actor, { id: 'forged' })
        throw new Error('x')
      },
    })
    await throwing.trail.record('login', everything as never)
    expect(onlyRow(throwing).actor).toEqual({ type: 'user', id: 'u-1', label: 'Ada' })
  })
})
