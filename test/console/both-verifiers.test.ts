import { noteVerifier, readBundle, verifyLog } from '@countersign/core/evidence'
import { describe, expect, it } from 'vitest'
import { bundleOf, idOf, type Line, newKey, SampleLog } from '../support/bundle-builder.js'
import { once } from '../support/logs.js'

const { verifyBundle } = await import(new URL('../../packages/console/verify/verify-bundle.mjs', import.meta.url).href)

interface Given {
  readonly keys?: readonly string[]
  readonly anchors?: readonly string[]
}

/** What both verifiers find, when it is the same. */
async function kindsOf(lines: readonly Line[], { keys = [], anchors = [] }: Given = {}): Promise<string[]> {
  const bytes = Buffer.from(bundleOf(lines))
  const ours = await verifyLog(await readBundle(once(bytes)), { keys: keys.map(noteVerifier), anchors })
  const other = await verifyBundle(once(bytes), { keys, anchors })
  expect(Object.keys(ours.counts).sort()).toEqual(Object.keys(other.counts).sort())
  expect(ours.sound).toBe(other.sound)
  return Object.keys(ours.counts).sort()
}

const log = new SampleLog(12)
const twin = new SampleLog(12, log.origin, 'twin')
const leaf = (index: number): Line => log.leaves[index] as Line
const lines = (...changed: readonly Line[]): Line[] => [
  log.head(),
  log.keyReceipt(),
  ...(changed.length > 0 ? changed : log.leaves),
  log.checkpoint(12, 0),
]

describe('both verifiers', () => {
  it('find a log sound that is', async () => {
    expect(await kindsOf(lines())).toEqual([])
  })

  it('believe no beginning that was put before a key that they know, with one more signature on its receipt', async () => {
    const [mallory, first, second] = [newKey(log.origin), log.key, newKey(log.origin)]
    const rotated = log.receipt({ kind: 'key', key: second.text, previous: first.text, size: 12 }, second, mallory)
    const forged = [log.head(), log.keyReceipt(0, mallory), rotated, ...twin.leaves, twin.checkpoint(12, 0, mallory)]
    expect(await kindsOf(forged, { keys: [second.text] })).toContain('forged')
    const real = [log.head(), log.keyReceipt(), log.keyReceipt(12, second, first), ...log.leaves, log.checkpoint(12, 0)]
    expect(await kindsOf(real, { keys: [second.text] })).toEqual([])
  })

  it.each([
    ['no subtrees after it', []],
    ['subtrees that do not reach the root', [[0, log.root(5, 6)]]],
  ])('believe no part of a log with %s', async (_what, right) => {
    const part = [
      log.head({ from: 0, to: 5, right }),
      log.keyReceipt(),
      ...twin.leaves.slice(0, 5),
      log.checkpoint(12, 0),
    ]
    expect(await kindsOf(part)).toEqual(['altered'])
  })

  it('believe no leaf beyond the part that a bundle says it is', async () => {
    const right = [
      [0, log.root(5, 6)],
      [1, log.root(6, 8)],
      [2, log.root(8, 12)],
    ]
    const part = [
      log.head({ from: 0, to: 5, right }),
      log.keyReceipt(),
      ...log.leaves.slice(0, 5),
      log.checkpoint(12, 0),
    ]
    expect(await kindsOf(part)).toEqual([])
    expect(await kindsOf([...part, twin.leaves[5] as Line])).toEqual(['altered'])
  })

  it.each([
    ['a field that no row has', (row: any) => ({ ...row, note: 'unsigned' })],
    ['an actor who has more than an actor', (row: any) => ({ ...row, actor: { ...row.actor, role: 'admin' } })],
    ['a subject that has more', (row: any) => ({ ...row, subject: { ...row.subject, name: 'x' } })],
  ])('let no unsigned text stand in a row: %s', async (_what, change) => {
    const changed = { ...leaf(3), row: change((leaf(3) as { row: object }).row) }
    expect(await kindsOf(lines(...log.leaves.with(3, changed)))).toEqual(['altered'])
  })

  it('do not count a leaf that comes twice among those whose rows a receipt lets go', async () => {
    const { row: _row, salt: _salt, ...bare } = leaf(3)
    const retention = log.receipt({
      ...{ kind: 'retention', rows: 1, partition: 'audit_event_2023_07', from: idOf(3), to: idOf(4), checkpoint: '' },
    })
    const [head, key, ...rest] = lines(...log.leaves.with(3, bare)) as [Line, Line, ...Line[]]
    expect(await kindsOf([head, key, retention, ...rest])).toEqual([])
    expect(await kindsOf([head, key, retention, ...rest.toSpliced(8, 0, bare)])).toEqual(['forged'])
  })

  it('want the root beside a checkpoint', async () => {
    expect(await kindsOf([...lines().slice(0, -1), { ...log.checkpoint(12, 0), root: null }])).toEqual(['altered'])
  })

  it('hold anchors against checkpoints also where a leaf is missing', async () => {
    const anchors = [String(twin.checkpoint(12, 0, log.key).checkpoint)]
    expect(await kindsOf(lines(...log.leaves.toSpliced(4, 1)), { anchors })).toEqual(['removed', 'rolled_back'])
  })
})
