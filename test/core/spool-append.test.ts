import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { rowToLine } from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import { sampleRow } from '@countersign/core/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'
import { drained, filesOf, idsOf, sampleRows } from '../support/spools.js'

let folder = ''

beforeEach(() => {
  folder = join(freshFolder(), 'spool')
})
afterEach(() => vi.restoreAllMocks())

/** What every file is written and synced by. */
async function fileHandles(): Promise<FileHandle> {
  const file = await open(import.meta.filename)
  await file.close()
  return Object.getPrototypeOf(file)
}

const line = (length: number): string => 'x'.repeat(length)
const bytesOf = (row = sampleRow()): number => Buffer.byteLength(rowToLine(row)) + 10

describe('an append to the spool', () => {
  it('is a line that can be read: a checksum, a space and the JSON of the row', async () => {
    const spool = fileSpool({ folder })
    const row = sampleRow()
    await spool.append([row])
    const [path = ''] = filesOf(folder)
    expect(readFileSync(path, 'utf8')).toMatch(/^[0-9a-f]{8} \{"id":"[^\n]*\}\n$/)
    expect(readFileSync(path, 'utf8').slice(9, -1)).toBe(rowToLine(row))
    await spool.close()
  })

  it('shares a write and a sync with its neighbours', async () => {
    const spool = fileSpool({ folder })
    const syncs = vi.spyOn(await fileHandles(), 'datasync')
    const writes = vi.spyOn(await fileHandles(), 'write')
    const rows = sampleRows(200)
    await Promise.all(rows.map((row) => spool.append([row])))
    expect(syncs).toHaveBeenCalledTimes(1)
    expect(writes).toHaveBeenCalledTimes(1)
    expect(idsOf(await drained(spool))).toEqual(idsOf(rows))
    await spool.close()
  })

  it('is synced before it resolves', async () => {
    const spool = fileSpool({ folder })
    const order: string[] = []
    const handles = await fileHandles()
    const { datasync } = handles
    vi.spyOn(handles, 'datasync').mockImplementation(async function (this: FileHandle) {
      await datasync.call(this)
      order.push('synced')
    })
    await spool.append(sampleRows(1))
    order.push('resolved')
    await spool.append(sampleRows(1))
    order.push('resolved')
    expect(order).toEqual(['synced', 'resolved', 'synced', 'resolved'])
    await spool.close()
  })

  it('that came while another was under way is not lost to a close', async () => {
    const spool = fileSpool({ folder })
    const first = spool.append(sampleRows(1))
    await new Promise(setImmediate)
    const second = spool.append(sampleRows(1))
    await spool.close()
    await Promise.all([first, second])
    const next = fileSpool({ folder })
    expect(next.size.rows).toBe(2)
    await drained(next)
    await next.close()
  })

  it('rejects alone where its row has no line', async () => {
    const spool = fileSpool({ folder })
    const details = { huge: 1n } as object
    const results = await Promise.allSettled([sampleRow(), sampleRow({ details })].map((row) => spool.append([row])))
    expect(results).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: { code: 'ROW_INVALID' } }])
    expect(await drained(spool)).toHaveLength(1)
    await spool.close()
  })
})

describe('the bound of the spool', () => {
  it('is exact, and counts what is not on the disk yet', async () => {
    const rows = sampleRows(3)
    const spool = fileSpool({ folder, maxBytes: 2 * bytesOf() })
    const results = await Promise.allSettled(rows.map((row) => spool.append([row])))
    expect(results).toMatchObject([
      { status: 'fulfilled' },
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'SPOOL_FULL' } },
    ])
    expect(spool.size).toEqual({ rows: 2, bytes: 2 * bytesOf() })
    expect(idsOf(await drained(spool))).toEqual(idsOf(rows.slice(0, 2)))
    await spool.append(rows.slice(2))
    expect(idsOf(await drained(spool))).toEqual(idsOf(rows.slice(2)))
    await spool.close()
  })

  it('counts what earlier processes left', async () => {
    const first = fileSpool({ folder })
    await first.append(sampleRows(2))
    await first.close()
    const second = fileSpool({ folder, maxBytes: 2 * bytesOf() })
    await expect(second.append(sampleRows(1))).rejects.toMatchObject({ code: 'SPOOL_FULL' })
    await drained(second)
    await second.append(sampleRows(1))
    await drained(second)
    await second.close()
  })

  it('leaves a row alone that no segment would ever be read with', async () => {
    const spool = fileSpool({ folder })
    const row = sampleRow({ details: { text: line(16 * 1024 * 1024) } as object })
    await expect(spool.append([row])).rejects.toMatchObject({ code: 'SPOOL_FAILED' })
    expect(spool.size.rows).toBe(0)
    await spool.close()
  })
})

describe('the segments of the spool', () => {
  it('begin anew when one is long enough, are replayed in order, and go when they were replayed', async () => {
    const spool = fileSpool({ folder, segmentBytes: 3 * bytesOf() })
    const rows = sampleRows(10)
    for (const row of rows) await spool.append([row])
    expect(filesOf(folder)).toHaveLength(4)
    expect(idsOf((await spool.next(4))?.rows ?? [])).toEqual(idsOf(rows.slice(0, 3)))
    expect(idsOf(await drained(spool))).toEqual(idsOf(rows))
    expect(filesOf(folder)).toHaveLength(1)
    await spool.close()
  })

  it('take an append that is longer than one', async () => {
    const spool = fileSpool({ folder, segmentBytes: 100 })
    const rows = sampleRows(50)
    await spool.append(rows)
    expect(filesOf(folder)).toHaveLength(1)
    expect(idsOf(await drained(spool, 7))).toEqual(idsOf(rows))
    expect(filesOf(folder)).toEqual([])
    await spool.close()
  })

  it('are one file, which does not grow without end, while everything is replayed at once', async () => {
    const spool = fileSpool({ folder, segmentBytes: 5 * bytesOf() })
    const opened = new Set<string>()
    for (let round = 0; round < 20; round++) {
      await spool.append(sampleRows(1))
      const files = filesOf(folder)
      expect(files.length).toBeLessThanOrEqual(1)
      for (const path of files) expect(statSync(path).size).toBeLessThanOrEqual(5 * bytesOf())
      for (const path of files) opened.add(path)
      await drained(spool)
    }
    expect(opened.size).toBe(4)
    await spool.close()
  })

  it('give batches of about a megabyte', async () => {
    const spool = fileSpool({ folder })
    const rows = Array.from({ length: 30 }, () => sampleRow({ details: { text: line(100_000) } as object }))
    await spool.append(rows)
    expect((await spool.next(1000))?.rows).toHaveLength(11)
    expect(idsOf(await drained(spool, 1000))).toEqual(idsOf(rows))
    await spool.close()
  })
})

it('what is replayed while more comes is there once, each caller’s in order', async () => {
  const spool = fileSpool({ folder, segmentBytes: 20 * bytesOf() })
  const given = Array.from({ length: 10 }, () => sampleRows(100))
  const found: string[] = []
  let writing = true
  const callers = given.map(async (rows) => {
    for (const row of rows) await spool.append([row])
  })
  const replaying = (async () => {
    for (; writing; await new Promise(setImmediate)) found.push(...idsOf(await drained(spool, 13)))
  })()
  await Promise.all(callers)
  writing = false
  await replaying
  found.push(...idsOf(await drained(spool)))
  expect(found).toHaveLength(1000)
  for (const rows of given) {
    const mine = new Set(idsOf(rows))
    expect(found.filter((id) => mine.has(id))).toEqual(idsOf(rows))
  }
  expect(spool.size).toEqual({ rows: 0, bytes: 0 })
  expect(filesOf(folder).length).toBeLessThanOrEqual(1)
  await spool.close()
})

describe('a disk that fails', () => {
  it.each(['write', 'datasync'] as const)(
    'in %s leaves nothing of the rows, and the next ones are written',
    async (step) => {
      const spool = fileSpool({ folder })
      const [before, failed, after] = [sampleRows(2), sampleRows(2), sampleRows(2)]
      await spool.append(before)
      const cause = Object.assign(new Error('input/output error'), { code: 'EIO' })
      vi.spyOn(await fileHandles(), step).mockRejectedValueOnce(cause)
      await expect(spool.append(failed)).rejects.toMatchObject({ code: 'SPOOL_FAILED', cause })
      expect(spool.size.rows).toBe(2)
      await spool.append(after)
      expect(filesOf(folder)).toHaveLength(step === 'write' ? 1 : 2)
      await spool.close()
      const next = fileSpool({ folder })
      expect(idsOf(await drained(next))).toEqual(idsOf([...before, ...after]))
      await next.close()
    },
  )

  it('in cutting back what was half written gets no more rows into that file', async () => {
    const spool = fileSpool({ folder })
    const [before, after] = [sampleRows(2), sampleRows(2)]
    await spool.append(before)
    const handles = await fileHandles()
    vi.spyOn(handles, 'write').mockRejectedValueOnce(new Error('no space left'))
    vi.spyOn(handles, 'truncate').mockRejectedValueOnce(new Error('input/output error'))
    await expect(spool.append(sampleRows(1))).rejects.toMatchObject({ code: 'SPOOL_FAILED' })
    await spool.append(after)
    expect(filesOf(folder)).toHaveLength(2)
    expect(idsOf(await drained(spool))).toEqual(idsOf([...before, ...after]))
    expect(filesOf(folder)).toHaveLength(1)
    await spool.close()
  })

  it('is said of a file that was removed under it, and of its folder until that is there again', async () => {
    const spool = fileSpool({ folder })
    await spool.append(sampleRows(1))
    const [path = ''] = filesOf(folder)
    rmSync(dirname(path), { recursive: true })
    await expect(spool.append(sampleRows(1))).rejects.toMatchObject({ code: 'SPOOL_FAILED' })
    await expect(spool.append(sampleRows(1))).rejects.toMatchObject({ code: 'SPOOL_FAILED' })
    mkdirSync(dirname(path))
    const row = sampleRow()
    await spool.append([row])
    spool.onFault?.(() => undefined)
    expect(idsOf(await drained(spool))).toEqual([row.id])
    await spool.close()
  })
})

it('nobody but the owner of the process can read what waits', async () => {
  const spool = fileSpool({ folder })
  await spool.append(sampleRows(1))
  await (await spool.next(1))?.done()
  await spool.setAside(sampleRow(), new Error('refused'))
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const modes = [folder, ...names.map((name) => join(folder, name))]
    .map((path) => statSync(path))
    .map((found) => `${found.isDirectory() ? 'folder' : 'file'} ${(found.mode & 0o777).toString(8)}`)
  expect(modes).toHaveLength(6)
  expect(new Set(modes)).toEqual(new Set(['folder 700', 'file 600']))
  await spool.close()
})
