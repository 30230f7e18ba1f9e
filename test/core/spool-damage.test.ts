import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { type AuditRow, rowId } from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import { sampleRow } from '@countersign/core/testing'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'
import { drained, filesOf, idsOf, leftBehind, replayed, sampleRows } from '../support/spools.js'

let folder = ''

beforeEach(() => {
  folder = join(freshFolder(), 'spool')
})

/** Rows and the bytes of the segment that holds them, written once for many changes. */
async function recorded(): Promise<{ rows: AuditRow[]; bytes: Buffer; lines: Buffer[] }> {
  const rows = sampleRows(4)
  const path = await leftBehind(folder, rows)
  const bytes = readFileSync(path)
  rmSync(dirname(path), { recursive: true })
  const lines = bytes
    .toString('latin1')
    .split(/(?<=\n)/)
    .map((text) => Buffer.from(text, 'latin1'))
  return { rows, bytes, lines }
}

/** Puts a segment where a writer that is gone would have left it. */
async function left(bytes: Buffer): Promise<string> {
  const path = await leftBehind(folder, sampleRows(1))
  writeFileSync(path, bytes)
  return path
}

const recordOf = (json: string): string => `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
const keptIn = (): string => readFileSync(join(folder, 'damaged'), 'utf8')

describe('a torn last record', () => {
  it('is skipped wherever it was cut, and reported with its file, its place and its length', async () => {
    const { rows, bytes, lines } = await recorded()
    const last = lines.at(-1)?.length ?? 0
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: last - 1 }), async (kept) => {
        const offset = bytes.length - last
        const path = await left(bytes.subarray(0, offset + kept))
        const found = await replayed(folder)
        expect(found.rows).toEqual(rows.slice(0, 3))
        expect(found.faults).toMatchObject([{ code: 'SPOOL_DAMAGED' }])
        expect(found.faults[0]?.message).toContain(
          `${path}, ${kept} bytes at offset ${offset}. It was never acknowledged`,
        )
        expect(filesOf(folder)).toEqual([])
      }),
      { numRuns: 100, examples: [[1], [8], [9], [last - 1]] },
    )
    expect(filesOf(folder, 'damaged')).toEqual([])
  })

  it('of which nothing was written leaves nothing to report', async () => {
    const { rows, bytes, lines } = await recorded()
    await left(bytes.subarray(0, bytes.length - (lines.at(-1)?.length ?? 0)))
    expect(await replayed(folder)).toEqual({ rows: rows.slice(0, 3), faults: [] })
  })

  it('of zeros, as a power cut leaves them, is skipped', async () => {
    const { rows, bytes } = await recorded()
    await left(Buffer.concat([bytes, Buffer.alloc(300_000)]))
    const found = await replayed(folder)
    expect(found.rows).toEqual(rows)
    expect(found.faults).toMatchObject([{ code: 'SPOOL_DAMAGED' }])
  })
})

describe('a damaged record', () => {
  it('is never a row: of a flipped byte anywhere the record that has it is lost, reported, and no other', async () => {
    const { rows, bytes, lines } = await recorded()
    const ends = lines.map((_, index) => Buffer.concat(lines.slice(0, index + 1)).length)
    const last = bytes.length - 1
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: last }), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const changed = Buffer.from(bytes)
        changed[at] = (bytes[at] ?? 0) ^ mask
        await left(changed)
        const hit = ends.findIndex((end) => at < end)
        const found = await replayed(folder)
        expect(idsOf(found.rows)).toEqual(idsOf(rows.filter((_, index) => index !== hit)))
        expect(new Set(found.faults.map(({ code }) => code))).toEqual(new Set(['SPOOL_DAMAGED']))
      }),
      {
        numRuns: 300,
        examples: [
          [last, 1],
          [0, 0x20],
          [8, 1],
          [(ends[0] ?? 0) - 1, 0x50],
          [(ends[1] ?? 0) - 1, 0x6b],
        ],
      },
    )
  })

  it('in the middle is kept as it lay there, and the rest is replayed', async () => {
    const { rows, lines } = await recorded()
    const broken = Buffer.from(lines[1]?.toString('latin1').replace('"login"', '"logon"') ?? '', 'latin1')
    const path = await left(Buffer.concat([...lines.slice(0, 1), broken, ...lines.slice(2)]))
    const { rows: found, faults } = await replayed(folder)
    expect(found).toEqual([rows[0], ...rows.slice(2)])
    expect(faults).toHaveLength(1)
    expect(faults[0]?.message).toContain(`${path}, ${broken.length - 1} bytes at offset ${lines[0]?.length}.`)
    expect(faults[0]?.message).toContain(join(folder, 'damaged'))
    expect(keptIn()).toBe(broken.toString())
  })

  it.each([
    ['no JSON', recordOf('{')],
    ['no row', recordOf('{"id":"x"}')],
    ['a row with a stranger in it', recordOf('{"id":"x","admin":true}')],
    ['an empty line', '\n'],
    ['a line without a checksum', '{"id":"x"}\n'],
    ['a checksum alone', '00000000 \n'],
  ])('is what has %s, though its checksum may fit', async (_, line) => {
    const { rows, lines } = await recorded()
    await left(Buffer.concat([...lines.slice(0, 2), Buffer.from(line), ...lines.slice(2)]))
    const found = await replayed(folder)
    expect(found.rows).toEqual(rows)
    expect(found.faults).toMatchObject([{ code: 'SPOOL_DAMAGED' }])
    expect(keptIn()).toBe(line)
  })

  it('joined to the next one, or without an end for megabytes, costs no other record', async () => {
    const { rows, lines } = await recorded()
    const joined = Buffer.concat([...lines.slice(0, 2), Buffer.alloc(20 * 1024 * 1024, 'x'), ...lines.slice(2)])
    await left(joined)
    const found = await replayed(folder)
    expect(found.rows).toEqual(rows)
    const lengths = found.faults.map(({ message }) => Number(/(\d+) bytes at/.exec(message)?.[1]))
    expect(lengths).toHaveLength(2)
    expect(Math.max(...lengths)).toBeLessThan(17 * 1024 * 1024)
  })

  it('is no forgery by what a row says', async () => {
    const forged = recordOf(JSON.stringify({ id: rowId() }))
    const row = sampleRow({ reason: `\n${forged}`, details: { text: forged, inner: { id: 'x' } } as object })
    const path = await leftBehind(folder, [row, sampleRow()])
    const bytes = readFileSync(path)
    bytes[0] = 0x7a
    writeFileSync(path, bytes)
    const found = await replayed(folder)
    expect(found.rows).toHaveLength(1)
    expect(found.faults).toHaveLength(1)
  })

  it('is reported when it is taken out, once, however often its batch comes', async () => {
    const { rows, lines } = await recorded()
    await left(Buffer.concat([...lines.slice(0, 2), Buffer.from('rubbish\n'), ...lines.slice(2)]))
    const spool = fileSpool({ folder })
    const faults: unknown[] = []
    spool.onFault?.((fault) => faults.push(fault))
    for (let time = 0; time < 3; time++) expect((await spool.next(10))?.rows).toEqual(rows)
    await drained(spool)
    expect(faults).toHaveLength(1)
    expect(keptIn()).toBe('rubbish\n')
    await spool.close()
  })

  it('is a warning of the process where nobody listens', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    await left(Buffer.from('rubbish\n'))
    const spool = fileSpool({ folder })
    expect(await spool.next(1)).toBeNull()
    expect(await warned).toMatchObject({ code: 'SPOOL_DAMAGED' })
    await spool.close()
  })
})

describe('what else may be wrong in the folder of a writer', () => {
  it('a segment that was cut or removed while it waited is reported, and costs no more than was in it', async () => {
    const spool = fileSpool({ folder, segmentBytes: 1 })
    const faults: Error[] = []
    spool.onFault?.((fault) => faults.push(fault))
    const rows = sampleRows(4)
    for (const row of rows) await spool.append([row])
    const [first = '', second = ''] = filesOf(folder)
    rmSync(first)
    truncateSync(second, 0)
    expect(await drained(spool)).toEqual(rows.slice(2))
    expect(spool.size).toEqual({ rows: 0, bytes: 0 })
    expect(faults).toMatchObject([{ code: 'SPOOL_DAMAGED' }, { code: 'SPOOL_DAMAGED' }])
    expect(faults[0]?.message).toContain(first)
    await spool.close()
  })

  it.each(['', 'rubbish', recordOf('{"segment":1,"offset":7}').replace('7', '9')])(
    'a position that can’t be trusted lets the rows come again: %j',
    async (content) => {
      const rows = sampleRows(3)
      const path = await leftBehind(folder, rows)
      writeFileSync(join(dirname(path), 'position'), content)
      expect(await replayed(folder)).toEqual({ rows, faults: [] })
    },
  )

  it('a segment that a kill kept from being removed when it was done is removed, and not replayed', async () => {
    const writer = fileSpool({ folder, segmentBytes: 1 })
    const rows = sampleRows(3)
    for (const row of rows) await writer.append([row])
    await writer.close()
    const [, second = ''] = filesOf(folder)
    writeFileSync(join(dirname(second), 'position'), recordOf('{"segment":2,"offset":0}'))
    const spool = fileSpool({ folder })
    expect(spool.size.rows).toBe(2)
    expect(filesOf(folder)).toHaveLength(2)
    expect(await drained(spool)).toEqual(rows.slice(1))
    await spool.close()
  })

  it('a file of somebody else is left where it is', async () => {
    const path = await leftBehind(folder, sampleRows(1))
    const stranger = join(dirname(path), 'notes.txt')
    appendFileSync(stranger, 'mine')
    expect((await replayed(folder)).rows).toHaveLength(1)
    expect(readFileSync(stranger, 'utf8')).toBe('mine')
  })
})
