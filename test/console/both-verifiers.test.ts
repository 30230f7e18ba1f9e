import { exitCodeOf, noteVerifier, readBundle, type VerifyReport, verifyLog } from '@countersign/core/evidence'
import { describe, expect, it } from 'vitest'
import { bundleOf, erased, idOf, type Line, type LogKey, newKey, SampleLog } from '../support/bundle-builder.js'
import { once } from '../support/logs.js'

const { verifyBundle } = await import(new URL('../../packages/console/verify/verify-bundle.mjs', import.meta.url).href)

interface Given {
  readonly keys?: readonly string[]
  readonly anchors?: readonly string[]
}

/** What both verifiers find, when it is the same. */
function kindsOf(lines: readonly Line[], given?: Given): Promise<string[]> {
  return kindsOfText(bundleOf(lines), given)
}

async function kindsOfText(text: string, { keys = [], anchors = [] }: Given = {}): Promise<string[]> {
  const ours = await oursOf(text, { keys, anchors })
  const other = await verifyBundle(once(Buffer.from(text)), { keys, anchors })
  expect(Object.keys(ours.counts).sort()).toEqual(Object.keys(other.counts).sort())
  expect(ours.sound).toBe(other.sound)
  return Object.keys(ours.counts).sort()
}

async function oursOf(text: string, { keys = [], anchors = [] }: Given = {}): Promise<VerifyReport> {
  return verifyLog(await readBundle(once(Buffer.from(text))), { keys: keys.map(noteVerifier), anchors })
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

  it('accuse a log that has fewer leaves than a receipt of it has seen, and no other', async () => {
    const [erasure, before] = [
      { kind: 'erasure', rows: 0, held: 0, before: idOf(0), subject: null, row_ids: [] },
      lines(),
    ]
    const withReceipt = (size: number, whole = before) => whole.toSpliced(2, 0, log.receipt({ ...erasure, size }))
    expect(await kindsOf(withReceipt(12))).toEqual([])
    expect(await kindsOf(withReceipt(13))).toEqual(['rolled_back'])
    const next = newKey(log.origin)
    expect(await kindsOf(before.toSpliced(2, 0, log.keyReceipt(13, next, log.key)))).toEqual(['rolled_back'])
    expect(await kindsOf(before.toSpliced(2, 0, log.receipt({ ...erasure, size: 13 }, next)))).toEqual(['forged'])
    // What it has seen may be elsewhere, or is known to be gone.
    const right = [
      [0, log.root(5, 6)],
      [1, log.root(6, 8)],
      [2, log.root(8, 12)],
    ]
    const part = [log.head({ from: 0, to: 5, right }), ...before.slice(1, 7), log.checkpoint(12, 0)]
    expect(await kindsOf(withReceipt(13, part))).toEqual([])
    expect(await kindsOf(withReceipt(12, before.toSpliced(-2, 1)))).toEqual(['truncated'])
    expect(await kindsOf(withReceipt(13, before.toSpliced(-2, 1)))).toEqual(['truncated'])
    const cut = bundleOf(withReceipt(13)).split('\n').slice(0, -2).join('\n')
    expect(await kindsOfText(`${cut}\n`)).toEqual(['truncated'])
  })

  it('accuse a log that is empty, where a receipt has seen leaves', async () => {
    expect(await kindsOf([log.head(), log.keyReceipt()])).toEqual([])
    expect(await kindsOf([log.head(), log.keyReceipt(), log.keyReceipt(3, newKey(log.origin), log.key)])).toEqual([
      'rolled_back',
    ])
  })

  it('know a key from a receipt that comes among the leaves, as one does that was changed meanwhile', async () => {
    const next = newKey(log.origin)
    const erasure = { kind: 'erasure', rows: 1, held: 0, before: idOf(9), subject: null, row_ids: [], size: 12 }
    const late = [log.keyReceipt(12, next, log.key), log.receipt(erasure, next), erased(leaf(8))]
    expect(await kindsOf(lines(...log.leaves.toSpliced(8, 1, ...late)))).toEqual([])
    const stranger = [log.keyReceipt(12, next), ...late.slice(1)]
    expect(await kindsOf(lines(...log.leaves.toSpliced(8, 1, ...stranger)))).toEqual(['altered', 'forged'])
  })

  it('let no leaf go by a receipt that is older than it, nor by one twice', async () => {
    const range = { kind: 'retention', partition: 'audit_event_2023_07', from: idOf(3), to: idOf(9), checkpoint: '' }
    const bare = (index: number) => {
      const { row: _row, salt: _salt, ...rest } = leaf(index)
      return rest
    }
    const without = (gone: readonly number[], ...receipts: readonly Line[]) =>
      lines(...log.leaves.map((one, index) => (gone.includes(index) ? bare(index) : one))).toSpliced(2, 0, ...receipts)
    const early = log.receipt({ ...range, rows: 1, size: 6 })
    expect(await kindsOf(without([5], early))).toEqual([])
    expect(await kindsOf(without([6], early))).toEqual(['removed'])
    expect(await kindsOf(without([4, 5], early, early))).toEqual(['forged', 'removed'])
  })

  it('take a key for named once that two processes named at the beginning', async () => {
    expect(await kindsOf(lines().toSpliced(1, 0, log.keyReceipt()))).toEqual([])
    const receipt = log.keyReceipt()
    expect(await kindsOf(lines().toSpliced(1, 1, receipt, receipt))).toEqual(['forged'])
  })

  it.each([
    ['of another key of the log, which is none', (other: LogKey) => other.sign('another text')],
    ['by a name with a control character in it', () => `— some\u007fbody ${'A'.repeat(92)}\n`],
    ['by a name that is too long', () => `— ${'n'.repeat(257)} ${'A'.repeat(92)}\n`],
    ['of a hundred others', () => `— somebody ${'A'.repeat(92)}\n`.repeat(100)],
    ['longer than any', () => `— somebody ${'A'.repeat(1_000_000)}\n`],
  ])('do not believe a checkpoint with one more signature %s', async (_what, signature) => {
    const next = newKey(log.origin)
    const rotated = (extra: string) => {
      const last = log.checkpoint(12, 0)
      return [
        ...[log.head(), log.keyReceipt(), log.keyReceipt(12, next, log.key), ...log.leaves],
        { ...last, checkpoint: `${last.checkpoint}${extra}` },
      ]
    }
    expect(await kindsOf(rotated(`— somebody ${'A'.repeat(92)}\n`))).toEqual([])
    expect(await kindsOf(rotated(signature(next)))).toContain('forged')
  })

  it('let nothing stand in the first line that it does not have', async () => {
    expect(await kindsOf([log.head({ note: 'unsigned' }), ...lines().slice(1)])).toEqual(['altered'])
    expect(await kindsOf([log.head({ right: [[0, log.root(0, 1), 'unsigned']] }), ...lines().slice(1)])).toEqual([
      'altered',
    ])
  })

  it('read a last line whose names stand in another order', async () => {
    const [end = '', ...before] = bundleOf(lines()).trimEnd().split('\n').reverse()
    const { end: count, sha256 } = JSON.parse(end)
    const text = [...before.reverse(), JSON.stringify({ sha256, end: count }), ''].join('\n')
    expect(await kindsOfText(text)).toEqual([])
  })

  it('end with the same code for the same findings', async () => {
    const [kept, ...others] = lines(...log.leaves.toSpliced(4, 1)).toReversed()
    const { counts } = await oursOf(bundleOf([...others.slice(1).toReversed(), kept as Line]))
    expect(Object.keys(counts).sort()).toEqual(['removed', 'truncated'])
    expect(exitCodeOf(counts)).toBe(12)
  })

  it('read on after a line that is longer than any', async () => {
    const whole = bundleOf(lines()).split('\n')
    expect(await kindsOfText(whole.toSpliced(5, 0, 'x'.repeat(17 * 1024 * 1024)).join('\n'))).toEqual(['altered'])
  })
})
