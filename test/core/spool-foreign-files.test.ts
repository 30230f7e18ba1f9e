import { execFile } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { rowId } from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import { sampleRow } from '@countersign/core/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'
import { drained, idsOf, leftBehind, replayed, sampleRows } from '../support/spools.js'

let folder = ''
beforeEach(() => {
  folder = join(freshFolder(), 'spool')
})

const run = promisify(execFile)
const pipe = async (path: string) => void (await run('mkfifo', [path]))
/** A link to a file of somebody's, with what a spool could have written. */
const link = (path: string) => {
  const target = join(dirname(folder), 'secret')
  writeFileSync(target, recordOf('{"segment":1,"offset":1}'))
  symlinkSync(target, path)
}
const directory = (path: string) => void mkdirSync(path)
const recordOf = (json: string): string => `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
const secret = () => readFileSync(join(dirname(folder), 'secret'), 'utf8')

describe.each([
  ['a pipe', pipe],
  ['a link', link],
  ['a folder', directory],
])('%s that no spool makes', (_, put) => {
  it('in the place of a segment is left alone and reported, and the rows around it are replayed', async () => {
    const rows = sampleRows(2)
    const path = join(dirname(await leftBehind(folder, rows)), '0000000002.spool')
    await put(path)
    const found = await replayed(folder)
    expect(found.rows).toEqual(rows)
    expect(found.faults).toMatchObject([{ code: 'SPOOL_DAMAGED', message: expect.stringContaining(path) }])
    expect(lstatSync(path).isFile()).toBe(false)
  })

  it('in the place of a position is reported and not believed: every row is replayed', async () => {
    const rows = sampleRows(2)
    const path = join(dirname(await leftBehind(folder, rows)), 'position')
    rmSync(path, { force: true })
    await put(path)
    const found = await replayed(folder)
    expect(found.rows).toEqual(rows)
    expect(found.faults[0]).toMatchObject({ code: 'SPOOL_DAMAGED', message: expect.stringContaining(path) })
  })

  it('in the place of refused.jsonl gets no row', async () => {
    const spool = fileSpool({ folder })
    await put(join(folder, 'refused.jsonl'))
    await expect(spool.setAside(sampleRow(), new Error('no'))).rejects.toMatchObject({ code: 'SPOOL_FAILED' })
    if (put === link) expect(secret()).toBe(recordOf('{"segment":1,"offset":1}'))
    await spool.close()
  })
})

it('a pipe in the place of a lock holds nobody, and the rows beside it are replayed', async () => {
  const rows = sampleRows(2)
  await pipe(join(dirname(await leftBehind(folder, rows)), 'lock'))
  expect(await replayed(folder)).toEqual({ rows, faults: [] })
})

it('a link to a folder of rows is not followed', async () => {
  const from = dirname(await leftBehind(folder, sampleRows(2)))
  const elsewhere = join(dirname(folder), 'elsewhere')
  renameSync(from, elsewhere)
  symlinkSync(elsewhere, join(folder, rowId()))
  const spool = fileSpool({ folder })
  const fault = await new Promise((resolve) => spool.onFault?.(resolve))
  expect(fault).toMatchObject({ code: 'SPOOL_DAMAGED' })
  expect(await drained(spool)).toEqual([])
  await spool.close()
  expect(readdirSync(elsewhere)).toContain('0000000001.spool')
})

it.each([
  '{"segment":1,"offset":-5}',
  '{"segment":1,"offset":1.5}',
  '{"segment":-1,"offset":0}',
  '{"segment":"1"}',
  '7',
])('a position that says %s is not believed: every row is replayed', async (json) => {
  const rows = sampleRows(3)
  writeFileSync(join(dirname(await leftBehind(folder, rows)), 'position'), recordOf(json))
  const found = await replayed(folder)
  expect(idsOf(found.rows)).toEqual(idsOf(rows))
  expect(found.faults).toEqual([])
})
