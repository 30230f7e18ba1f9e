import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { bundleOf, damagesTo, erased, idOf, type Line, newKey, SampleLog } from '../support/bundle-builder.js'
import { root } from '../support/compile.js'
import { freshFolder } from '../support/fresh-folder.js'
import { importsOf, parse } from '../support/sources.js'

const path = join(root, 'packages/console/verify/verify-bundle.mjs')
const { verifyBundle, verifyProof } = await import(pathToFileURL(path).href)

const folder = freshFolder()
const sizes = [3, 7, 12]
const log = new SampleLog(12)
const whole = (receipts: readonly Line[] = []) => log.lines(sizes, receipts)

async function* inPieces(text: string, length: number) {
  const bytes = new Uint8Array(Buffer.from(text))
  for (let start = 0; start < bytes.length; start += length) yield bytes.subarray(start, start + length)
}

const verify = (text: string, options = {}) => verifyBundle(inPieces(text, 1000), options)
const kindsOf = async (lines: readonly Line[], options = {}) =>
  Object.keys((await verify(bundleOf(lines), options)).counts)

function run(args: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...args], { input, encoding: 'utf8' })
  return { status, stdout, stderr }
}

let files = 0
function fileOf(text: string): string {
  const file = join(folder, `${files++}`)
  writeFileSync(file, text)
  return file
}

const { changed, spliced, delayed, swapped, swappedRows, without } = damagesTo(whole)
const set = (values: object) => (line: object) => Object.assign(line, values)

const bare = (leaf: any) => {
  delete leaf.row
  delete leaf.salt
}
const alteredRow = ({ row }: any) => Object.assign(row, { status: 200 })

const other = newKey(log.origin)
const twin = new SampleLog(13, log.origin, 'twin')
/** A leaf that fits its row, and is another. */
const twinLeaf = (number: number) => spliced('leaf', number, 1, twin.leaves[number] as Line)

/** A checkpoint that the log's key signed, of leaves that may be the twin's. */
const anchorOf = (size: number, of: SampleLog) => String(of.checkpoint(size, 0, log.key).checkpoint)

describe('a sound bundle', () => {
  it('is reported with what was verified', async () => {
    expect(await verify(bundleOf(whole()))).toEqual({
      sound: true,
      origin: log.origin,
      leaves: 12,
      checkpoint: { size: 12, root: log.root(0, 12) },
      findings: [],
      counts: {},
      lawfullyErased: 0,
      lawfullyRemoved: 0,
      keys: [log.key.text],
      pinned: false,
      anchors: 0,
    })
  })

  it.each([1, 7, 1e6])('is sound in pieces of %d bytes', async (length) => {
    expect(await verifyBundle(inPieces(bundleOf(whole()), length), {})).toMatchObject({ sound: true, leaves: 12 })
  })

  it('may have a checkpoint for each leaf, or none where it has no leaf', async () => {
    const each = Array.from({ length: 12 }, (_, index) => index + 1)
    expect(await kindsOf(log.lines(each))).toEqual([])
    expect(await kindsOf([log.head(), log.keyReceipt()])).toEqual([])
  })

  it('is of a key and an anchor that one knows', async () => {
    const options = { keys: [other.text, log.key.text], anchors: sizes.map((size) => anchorOf(size, log)) }
    expect(await verify(bundleOf(whole()), options)).toMatchObject({ sound: true, pinned: true, anchors: 3 })
    expect(await kindsOf(whole(), { anchors: [anchorOf(5, log)] })).toEqual([])
  })
})

describe('lawful changes', () => {
  it('are rows that a receipt of erasure names by id, by time, or by whose they are', async () => {
    const erasing = (body: object) => log.receipt({ kind: 'erasure', held: 0, rows: 1, ...body })
    const before = idOf(6)
    const erasedBy = (body: object) => spliced('leaf', 5, 1, erased(log.leaves[5] as Line), whole([erasing(body)]))
    for (const body of [
      { before: '', subject: null, row_ids: [idOf(5)] },
      { before, subject: null, row_ids: [] },
      { before, subject: { type: 'user', id: 'user-2' }, row_ids: [] },
      { before, subject: { type: 'account', id: 'account-5' }, row_ids: [] },
    ])
      expect(await verify(bundleOf(erasedBy(body)))).toMatchObject({ sound: true, lawfullyErased: 1 })
    for (const body of [
      { before: idOf(5), subject: null, row_ids: [] },
      { before, subject: null, row_ids: [idOf(4)] },
      { before, subject: { type: 'user', id: 'user-1' }, row_ids: [] },
    ])
      expect(await kindsOf(erasedBy(body))).toEqual(['altered'])
  })

  it('are as many rows gone as the receipt of retention says', async () => {
    const retention = log.receipt({ kind: 'retention', from: idOf(0), to: idOf(5), rows: 2, checkpoint: '' })
    const gone = (...numbers: readonly number[]) => {
      const lines = whole([retention])
      for (const number of numbers) changed('leaf', number, bare, lines)
      return lines
    }
    expect(await verify(bundleOf(gone(0, 4)))).toMatchObject({ sound: true, lawfullyRemoved: 2 })
    expect(await verify(bundleOf(gone(0, 1, 4)))).toMatchObject({ counts: { removed: 1 }, lawfullyRemoved: 2 })
    expect(await kindsOf(gone(5))).toEqual(['removed'])
  })
})

describe('a rotated key', () => {
  const rotated = (...signers: Array<typeof other>) => whole([log.keyReceipt(7, other, ...signers)])
  const signed = (size: number, previous: number, lines: Line[]) =>
    spliced('size', size, 1, log.checkpoint(size, previous, other), lines)
  const lines = (...signers: Array<typeof other>) => signed(12, 7, rotated(...signers))

  it('signs what comes after its receipt', async () => {
    const { sound, keys } = await verify(bundleOf(lines(log.key)))
    expect({ sound, keys }).toEqual({ sound: true, keys: [log.key.text, other.text] })
  })

  it('is forged where the key before it did not sign its receipt, or the wrong one of the two signs', async () => {
    expect(await kindsOf(lines())).toEqual(['forged'])
    expect(await kindsOf(signed(7, 3, lines(log.key)))).toEqual(['forged'])
  })

  it('is pinned by a key before it, and by one after it, whose receipt names it', async () => {
    expect(await verify(bundleOf(lines(log.key)), { keys: [log.key.text] })).toMatchObject({ pinned: true })
    const short = without('size', 12, lines(log.key)).filter(({ leaf }) => !(Number(leaf) >= 7))
    expect(await verify(bundleOf(short), { keys: [other.text] })).toMatchObject({ sound: true, pinned: true })
  })
})

describe('a part of a log', () => {
  const left = [log.root(0, 4), log.root(4, 6)]
  const right = [9, 10].map((from, level) => [level, log.root(from, from + 2 ** level)])
  const last = log.checkpoint(12, 7)
  const part = (to: number | null, sides: object, ...more: Line[]) =>
    kindsOf([
      log.head({ from: 6, to, left, right: [], ...sides }),
      log.keyReceipt(),
      ...log.leaves.slice(6, 9),
      ...more,
    ])

  it('is sound to the end, or to where subtrees lead to the last checkpoint', async () => {
    expect(await part(null, {}, ...log.leaves.slice(9), last)).toEqual([])
    expect(await part(9, { right }, last)).toEqual([])
    expect(await part(9, {}, log.checkpoint(9, 7))).toEqual([])
  })

  it('is altered where a subtree at either side is another, or is not there, and where a leaf is beyond', async () => {
    for (const sides of [{ left: [...left].reverse() }, { left: left.slice(1) }, { right: left }, { left: [] }])
      expect(await part(9, { right, ...sides }, last)).toEqual(['altered'])
    for (const wrong of [[], right.slice(1), [...right, [0, log.root(0, 1)]], [[0, log.root(0, 1)], right[1]]])
      expect(await part(9, { right: wrong }, last)).toEqual(['altered'])
    expect(await part(9, { right }, last, twin.leaves[9] as Line)).toEqual(['altered'])
  })

  it('is truncated where it ends before it says', async () => {
    expect(await part(10, { right }, last)).toEqual(['truncated'])
  })
})

/** Changes of a sound bundle, and what each is called. */
const changes: Record<string, Record<string, () => Line[]>> = {
  forged: {
    'a checkpoint of another key': () => spliced('size', 12, 1, log.checkpoint(12, 7, other)),
    'a checkpoint of another log': () => spliced('size', 7, 1, new SampleLog(7, 'other.example').checkpoint(7, 3)),
    'a checkpoint that comes twice': () => spliced('size', 7, 0, log.checkpoint(7, 3)),
    'a leaf that comes twice': () => spliced('leaf', 6, 0, log.leaves[4] as Line),
    'a stray row': () => [...whole(), { stray: idOf(99) }],
    'a receipt of another key': () =>
      whole([log.receipt({ kind: 'retention', from: '', to: '', rows: 1, checkpoint: '' }, other)]),
    'no receipt of a key': () => whole().filter((_, index) => index !== 1),
    'a leaf that does not fit its row, after the last checkpoint': () =>
      without('size', 12, changed('leaf', 9, alteredRow)),
    'a signature of the key that does not verify, beside one that does': () =>
      changed('size', 12, set({ checkpoint: anchorOf(12, log) + anchorOf(7, log).split('\n\n')[1] })),
  },
  truncated: {
    'the last leaf is missing': () => without('leaf', 11),
    'the last checkpoint is missing': () => without('size', 12),
  },
  removed: {
    'a leaf is missing': () => without('leaf', 4),
    'a leaf is missing, and its row is stray': () => [...without('leaf', 4), { stray: idOf(4) }],
    'a checkpoint is missing': () => without('size', 7),
    'a row is missing': () => changed('leaf', 4, bare),
  },
  reordered: {
    'a leaf comes after a later one': () => delayed('leaf', 4),
    'a checkpoint comes after a leaf that it is not about': () => delayed('size', 7),
    'a checkpoint comes before a leaf that it is about': () => delayed('leaf', 6),
    'a checkpoint comes after a later one': () => [...whole(), log.checkpoint(3, 0)],
    'what rows say is in the place of each other': () => swappedRows(4, 9),
    'contents are in the place of each other': () => swapped(['content'], 4, 9),
    'leaves are in the place of each other': () => swapped(['id', 'content', 'row', 'salt'], 4, 9),
  },
  altered: {
    'a fact': () => changed('leaf', 4, alteredRow),
    'a personal field': () => changed('leaf', 4, ({ row }) => Object.assign(row.actor, { label: 'Eve' })),
    'a field that no leaf is about': () => changed('leaf', 4, ({ row }) => Object.assign(row.actor, { note: 'Eve' })),
    'the id of a row': () => changed('leaf', 4, ({ row }) => Object.assign(row, { id: idOf(77) })),
    'a salt': () => changed('leaf', 4, set({ salt: log.leaves[3]?.salt })),
    'an erased row without a receipt': () => spliced('leaf', 4, 1, erased(log.leaves[4] as Line)),
    'a leaf and its row': () => twinLeaf(11),
    'the number of a leaf': () => changed('leaf', 5, set({ leaf: 77 })),
    'the number of a leaf before a checkpoint': () => changed('leaf', 6, set({ leaf: 77 })),
    'the size beside a checkpoint': () => changed('size', 7, set({ size: 6 })),
    'the root beside a checkpoint': () => changed('size', 7, set({ root: log.root(0, 3) })),
    'a line with something more': () => [...whole(), { stray: idOf(1), more: 1 }],
    'a leaf that can not be read': () => changed('leaf', 4, set({ more: 1 })),
    'a checkpoint that can not be read': () => changed('size', 7, set({ more: 1 })),
    'the last checkpoint, which can not be read': () => changed('size', 12, set({ root: '' })),
    'the first line': () => [{ ...log.head(), more: 1 }, ...whole().slice(1)],
  },
}

describe('a finding', () => {
  const all = Object.entries(changes).flatMap(([kind, of]) =>
    Object.entries(of).map(([title, lines]) => ({ kind, title, lines })),
  )

  it.each(all)('is $kind: $title', async ({ kind, lines }) => {
    expect(await kindsOf(lines())).toEqual([kind])
  })

  it('is truncated or altered by the last line where there is nothing else', async () => {
    const text = bundleOf(whole())
    const last = `${text.split('\n').at(-2)}\n`
    const kindOf = async (changed: string) => Object.keys((await verify(changed)).counts)
    const cuts = [text.replace(last, ''), text.slice(0, -1), text.slice(0, text.indexOf('\n')), '']
    for (const cut of cuts) expect(await kindOf(cut)).toEqual(['truncated'])
    const wrong = [text.replace('{"end":', '{"end":1'), text + last, `${text}more`, '\n']
    for (const changed of wrong) expect(await kindOf(changed)).toEqual(['altered'])
  })

  it('tells where, the gravest first, and no more than a thousand times', async () => {
    const lines = changed('leaf', 4, alteredRow, without('leaf', 8))
    const { findings } = await verify(bundleOf([...lines, ...Array(1500).fill({ stray: idOf(9) })]))
    expect(findings).toHaveLength(1000)
    expect(findings[0]).toEqual({ kind: 'forged', message: 'the row has no leaf', rowId: idOf(9) })
    const few = await verify(bundleOf(lines))
    expect(few.findings).toMatchObject([
      { kind: 'removed', leaf: 8 },
      { kind: 'altered', leaf: 4, rowId: idOf(4) },
    ])
  })

  const deep = `{"details":${'['.repeat(1e5)}${']'.repeat(1e5)}}`
  it.each(['1', '"row"', '[]', '{}', '{"actor":1}', '{"status":1e999}', deep])(
    'is altered where a row is %.30s',
    async (row) => {
      const text = bundleOf(changed('leaf', 4, set({ row: '?' }))).replace('"row":"?"', `"row":${row}`)
      expect((await verify(text)).counts).toEqual({ altered: 1 })
    },
  )
})

describe('an anchor', () => {
  it.each([
    ['of more leaves than there are', () => anchorOf(13, twin)],
    ['of another root at a checkpoint', () => anchorOf(7, twin)],
    ['of another root between checkpoints', () => anchorOf(9, twin)],
  ])('%s tells that the log was rolled back', async (_, anchor) => {
    expect(await kindsOf(whole(), { anchors: [anchor()] })).toEqual(['rolled_back'])
  })

  it('tells nothing more where the log is cut, or its own roots do not fit', async () => {
    const cut = without('leaf', 11)
    expect(await kindsOf(cut, { anchors: [anchorOf(13, twin)] })).toEqual(['truncated'])
    expect(await kindsOf(twinLeaf(5), { anchors: [anchorOf(6, log)] })).toEqual(['altered'])
  })

  it('tells that a log signed two histories, also where leaves of it are missing', async () => {
    const kinds = await kindsOf(without('leaf', 4), { anchors: [anchorOf(12, twin)] })
    expect(kinds).toEqual(['rolled_back', 'removed'])
  })

  it('or a key that is not of the log tells that one of them is forged', async () => {
    const anchors = [String(log.checkpoint(7, 3, other).checkpoint)]
    expect(await kindsOf(whole(), { anchors })).toEqual(['forged'])
    expect(await kindsOf(whole(), { anchors: ['nothing\n'] })).toEqual(['forged'])
    expect(await kindsOf(whole(), { keys: [other.text] })).toEqual(['forged'])
    await expect(verify('', { keys: ['none'] })).rejects.toThrow(TypeError)
  })
})

describe('a proof', () => {
  it.each(log.leaves.map((_, index) => index))('of leaf %d is sound', (index) => {
    for (const size of [index + 1, 12]) {
      const found = verifyProof(log.proof(index, size), { keys: [log.key.text], anchors: [anchorOf(13, twin)] })
      expect(found).toMatchObject({ sound: true, pinned: true, leaves: 1, checkpoint: { size } })
    }
  })

  it('is held against the same rules as a bundle', () => {
    const kinds = (change: (proof: any) => unknown, options = {}) => {
      const proof = log.proof(4, 12)
      change(proof)
      return Object.keys(verifyProof(proof, options).counts)
    }
    expect(kinds(({ leaf }) => alteredRow(leaf))).toEqual(['altered'])
    expect(kinds(({ leaf }) => bare(leaf))).toEqual(['removed'])
    expect(kinds(set({ leaf: twin.leaves[4] }))).toEqual(['altered'])
    expect(kinds(({ inclusion }) => inclusion.pop())).toEqual(['altered'])
    expect(kinds(({ leaf }) => Object.assign(leaf, { leaf: 12 }))).toEqual(['altered'])
    expect(kinds(({ receipts }) => receipts.pop())).toEqual(['forged'])
    expect(kinds(set({ checkpoint: '' }))).toEqual(['forged'])
    expect(kinds(set({ more: 1 }))).toEqual(['altered'])
    expect(kinds(() => {}, { anchors: [anchorOf(12, twin)] })).toEqual(['rolled_back'])
    expect(verifyProof(null)).toMatchObject({ sound: false, origin: null, counts: { altered: 1 } })
  })
})

describe('the command', () => {
  it('needs nothing but Node', () => {
    const text = readFileSync(path, 'utf8')
    const imports = importsOf({ path, home: '', inside: '', text, tree: parse('verify-bundle.js', text) })
    expect(imports.length).toBeGreaterThan(1)
    expect(imports.filter(({ specifier }) => !specifier.startsWith('node:') || !isBuiltin(specifier))).toEqual([])
    expect(text).not.toMatch(/\b(?:require|eval|Function|fetch)\(|process\.(?:binding|env)/)
  })

  it('says that a bundle or a proof is sound', () => {
    const unpinned = `key ${log.key.text} (not pinned: compare it with one you know)`
    const sound = `sound: 12 leaves, checkpoint of 12; ${unpinned}\n`
    expect(run([fileOf(bundleOf(whole()))])).toEqual({ status: 0, stdout: sound, stderr: '' })
    expect(run(['-'], bundleOf(whole()))).toEqual({ status: 0, stdout: sound, stderr: '' })
    const said = `sound: 1 leaf, checkpoint of 12; key ${log.key.text} (pinned)\n`
    for (const space of [0, 2]) {
      const proof = JSON.stringify(log.proof(4, 12), null, space)
      expect(run(['-', '--key', log.key.text], proof)).toEqual({ status: 0, stdout: said, stderr: '' })
    }
  })

  it.each([
    ['forged', 14],
    ['truncated', 12],
    ['removed', 11],
    ['reordered', 13],
    ['altered', 10],
  ])('answers %s with %d', (kind, code) => {
    const [lines] = Object.values(changes[kind] ?? {}) as [() => Line[]]
    const { status, stdout } = run(['-'], bundleOf(lines()))
    expect({ status, kind: stdout.split(':')[0] }).toEqual({ status: code, kind })
    expect(stdout.trimEnd().split('\n')).toHaveLength(2)
  })

  it('answers rolled_back with 15, for anchors as they are kept', () => {
    const file = fileOf(bundleOf(whole()))
    const kept = fileOf(sizes.map((size) => `${anchorOf(size, log)}\n\u001e\n`).join(''))
    const { status, stdout } = run([file, '--anchor', kept])
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('3 anchors confirmed') })
    expect(run([file, '--anchor', kept, '--anchor', fileOf(anchorOf(13, twin))])).toMatchObject({ status: 15 })
  })

  it('reports as JSON what it exports', async () => {
    const text = bundleOf(changes.removed?.['a leaf is missing']?.() ?? [])
    const { status, stdout } = run(['--json', '-'], text)
    expect({ status, report: JSON.parse(stdout) }).toEqual({ status: 11, report: await verify(text) })
  })

  it('lets nothing that it read act on a terminal', () => {
    const { stdout } = run(['-'], bundleOf([...whole(), { stray: '\u001b[2J\u202e' }]))
    expect(stdout).toContain('\\u{1b}[2J\\u{202e}')
    expect(stdout).not.toMatch(/[^\n\P{C}]/u)
  })

  it('answers 1 for a file that it can not open, and 2 for a call that makes no sense', () => {
    const file = fileOf(bundleOf(whole()))
    const missing = join(folder, 'missing')
    for (const args of [[missing], [folder], [file, '--anchor', missing], [file, '--anchor', fileOf('')]]) {
      expect(run(args)).toMatchObject({ status: 1, stdout: '' })
    }
    for (const args of [[], [file, file], [file, '--anchors'], [file, '--key', 'none']]) {
      expect(run(args)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('Usage: node verify-') })
    }
  })
})
