import type { AuditRow } from '@countersign/core'
import { readBundle, type VerifyReport, verifyLog } from '@countersign/core/evidence'
import { sampleRow } from '@countersign/core/testing'
import { describe, expect, it } from 'vitest'
import { bundleInMemory, endedAnew } from '../support/log-in-memory.js'
import { once } from '../support/logs.js'

// What is as the toolkit writes it is read in a quicker way than anything else: both must believe the same.

const person = { type: 'user', id: 'u-1', label: 'ada@example.org' } as const
const plain: Partial<AuditRow> = { userAgent: 'Mozilla/5.0 (X11)', onBehalfOf: null, actor: person }
const rows: ReadonlyArray<Partial<AuditRow>> = [
  plain,
  { ...plain, actor: { type: 'anonymous' }, subject: null, attempted: null, sessionId: null },
  { ...plain, details: { remember: true, method: 'ünï 🦊' } as object, durationMs: 0.001 },
  { ...plain, details: { z: [{ b: 1, a: null }], '10': 1e21, '9': -0.5, ['__proto__']: 7 } as object, status: null },
  { ...plain, device: { type: 'desktop', os: 'Linux', browser: '{"a":1}' }, durationMs: 1e-7 },
  { ...plain, proxies: [], repeatCount: 3, limit: '10/min', retryAfter: 0, scope: 'login' } as object,
  { ...plain, durationMs: 123_456_789.123_45, tenant: '', route: '/a/:b?c="d"' },
  {},
]

async function verified(lines: readonly string[]): Promise<VerifyReport> {
  return verifyLog(await readBundle(once(Buffer.from(endedAnew(lines)))), { threads: 0 })
}

async function linesOf(changes: readonly Partial<AuditRow>[]): Promise<string[]> {
  const made = changes.map((change) => sampleRow(change))
  return (await bundleInMemory(made, { perCheckpoint: made.length })).trimEnd().split('\n').slice(0, -1)
}

describe('a row in a bundle', () => {
  it('fits its leaf however its JSON is written', async () => {
    const lines = await linesOf(rows)
    const written = await verified(lines)
    expect(written).toMatchObject({ sound: true, leaves: rows.length, findings: [] })
    const rewrite = (line: string, change: (leaf: any) => unknown): string =>
      line.startsWith('{"leaf"') ? JSON.stringify(change(JSON.parse(line))) : line
    const reversed = (value: object) => Object.fromEntries(Object.entries(value).reverse())
    const spaced = (line: string) => JSON.stringify(JSON.parse(line), null, 1).replaceAll('\n', '')
    for (const others of [
      lines.map((line) => rewrite(line, reversed)),
      lines.map((line) => rewrite(line, ({ row, ...leaf }) => ({ ...leaf, row: reversed(row) }))),
      lines.map((line) => (line.startsWith('{"leaf"') ? spaced(line) : line)),
      lines.map((line) => (line.startsWith('{"leaf"') ? line.replace('"login"', '"l\\u006fgin"') : line)),
    ])
      expect(await verified(others)).toEqual(written)
  })

  it('is believed after a change if, and only if, its JSON says the same', async () => {
    const lines = await linesOf([plain])
    const at = lines.findIndex((line) => line.startsWith('{"leaf"'))
    const line = lines[at] as string
    const same = canonical(line)
    let believed = 0
    for (const changed of changesOf(line)) {
      const { sound } = await verified(lines.with(at, changed))
      if (sound) believed++
      if (sound !== (canonical(changed) === same)) expect.fail(`${sound}: ${changed}`)
    }
    expect(believed).toBeGreaterThan(100)
  })
})

/** Other lines: one character more, less or other, all over it. */
function* changesOf(line: string): Generator<string> {
  const characters = [
    '"',
    '\\',
    '{',
    '}',
    ',',
    ':',
    ' ',
    '0',
    '.',
    'e',
    'n',
    '\u0000',
    '\u007f',
    'é',
    '=',
    '[',
    ']',
    '-',
  ]
  for (let place = 0; place < line.length; place++) {
    yield line.slice(0, place) + line.slice(place + 1)
    const character = characters[place % characters.length]
    yield line.slice(0, place) + character + line.slice(place)
    yield line.slice(0, place) + character + line.slice(place + 1)
    if ('{}[],:'.includes(line[place] as string)) yield `${line.slice(0, place)} ${line.slice(place)}`
  }
}

/** What a line says, whatever the order of its names; null where it is no JSON. */
function canonical(line: string): string | null {
  const sorted = (_name: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value
  try {
    return JSON.stringify(JSON.parse(line), sorted)
  } catch {
    return null
  }
}
