import { execFile } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { AuditError, type AuditRow, type AuditSpool, rowFromJson, rowId } from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import { sampleRow } from '@countersign/core/testing'
import { describe, expect, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'
import { codeOf } from '../support/recording.js'
import { drained, idsOf, replayed, sampleRows } from '../support/spools.js'

const run = promisify(execFile)

/** What is refused when it is made, and left as it was. */
function expectRefused(folder: string): void {
  expect(codeOf(() => fileSpool({ folder }))).toBe('SPOOL_INVALID')
  expect(() => fileSpool({ folder })).toThrow(folder)
}

/** True where this process may mount. */
async function canMount(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-mount-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder])
    await run('umount', [folder])
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const mounting = await canMount()
if (!mounting) console.info('Skipped: a full disk and a read-only folder, for nothing can be mounted here.')

/** A small disk of one's own. */
async function onSmallDisk(options: string, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = freshFolder()
  await run('mount', ['-t', 'tmpfs', '-o', options, 'none', folder])
  try {
    await use(folder)
  } finally {
    await run('umount', [folder])
  }
}

/** Appends until the disk is full: what was acknowledged, and the error. */
async function filled(spool: AuditSpool): Promise<{ acknowledged: AuditRow[]; error: unknown }> {
  const acknowledged: AuditRow[] = []
  for (;;) {
    const rows = sampleRows(10)
    try {
      await spool.append(rows)
      acknowledged.push(...rows)
    } catch (error) {
      return { acknowledged, error }
    }
  }
}

describe('a folder that can’t be used is refused when the spool is made', () => {
  it.each([undefined, '', 7])('because there is none: %j', (folder) => {
    expect(codeOf(() => fileSpool({ folder } as never))).toBe('SPOOL_INVALID')
    expect(codeOf(() => fileSpool(undefined as never))).toBe('SPOOL_INVALID')
  })

  it.each([0, -1, 1.5, Number.NaN, '4'])('or a bound that is none: %j', (bytes) => {
    const folder = freshFolder()
    expect(codeOf(() => fileSpool({ folder, maxBytes: bytes as number }))).toBe('SPOOL_INVALID')
    expect(codeOf(() => fileSpool({ folder, segmentBytes: bytes as number }))).toBe('SPOOL_INVALID')
    expect(readdirSync(folder)).toEqual([])
  })

  it('because it is a file, or under one', () => {
    const path = join(freshFolder(), 'file')
    writeFileSync(path, '')
    expectRefused(path)
    expectRefused(join(path, 'spool'))
  })

  it.runIf(mounting)('because it is read-only', async () => {
    await onSmallDisk('ro,size=64k', async (folder) => {
      expectRefused(folder)
      expectRefused(join(folder, 'spool'))
    })
  })

  it.runIf(mounting)('because the disk is full', async () => {
    await onSmallDisk('size=64k', async (folder) => {
      expect(() => writeFileSync(join(folder, 'ballast'), Buffer.alloc(100_000))).toThrow('ENOSPC')
      expectRefused(folder)
    })
  })
})

describe.runIf(mounting)('a full disk', () => {
  it('refuses rows and keeps those that it acknowledged; there is room again when they were replayed', async () => {
    await onSmallDisk('size=256k', async (folder) => {
      const spool = fileSpool({ folder, segmentBytes: 64 * 1024 })
      const { acknowledged, error } = await filled(spool)
      expect(error).toMatchObject({ code: 'SPOOL_FAILED', cause: { code: 'ENOSPC' } })
      expect(acknowledged.length).toBeGreaterThan(100)
      expect(spool.size.rows).toBe(acknowledged.length)
      await expect(spool.append(sampleRows(10))).rejects.toMatchObject({ code: 'SPOOL_FAILED' })
      const faults: AuditError[] = []
      spool.onFault?.((fault) => faults.push(fault))
      expect(idsOf(await drained(spool))).toEqual(idsOf(acknowledged))
      expect(faults).toEqual([])
      const rows = sampleRows(10)
      await spool.append(rows)
      await spool.close()
      const next = fileSpool({ folder })
      expect(idsOf(await drained(next))).toEqual(idsOf(rows))
      await next.close()
    })
  })

  it('is refused to the next process, which replays what was acknowledged when there is room again', async () => {
    await onSmallDisk('size=256k', async (folder) => {
      const ballast = join(folder, 'ballast')
      writeFileSync(ballast, Buffer.alloc(40_000))
      const spool = fileSpool({ folder })
      const { acknowledged } = await filled(spool)
      expect(() => appendFileSync(ballast, Buffer.alloc(40_000))).toThrow('ENOSPC')
      await spool.close()
      expectRefused(folder)
      rmSync(ballast)
      const { rows, faults } = await replayed(folder)
      expect(idsOf(rows)).toEqual(idsOf(acknowledged))
      expect(faults).toEqual([])
      expect(readdirSync(folder)).toEqual([])
    })
  })

  it('rejects a row that is to be set aside, and what was half written spoils no later one', async () => {
    await onSmallDisk('size=256k', async (folder) => {
      const spool = fileSpool({ folder })
      await spool.setAside(sampleRow(), 'first')
      const row = sampleRow({ details: { text: 'x'.repeat(300_000) } as object })
      await expect(spool.setAside(row, 'second')).rejects.toMatchObject({ code: 'SPOOL_FAILED' })
    })
  })
})

describe('a row that is set aside', () => {
  const linesOf = (folder: string): unknown[] =>
    readFileSync(join(folder, 'refused.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))

  it('is a line with the row and every error that led to it, without what a driver quoted', async () => {
    const folder = freshFolder()
    const spool = fileSpool({ folder })
    const [row, other] = [sampleRow(), sampleRow()]
    const driver = Object.assign(new Error('value too long\n\u001b[2J'), { code: '22001' })
    await spool.setAside(row, new AuditError('ROW_REFUSED', 'The store refuses a row.', { cause: driver }))
    await spool.setAside(other, 'no error')
    const [first, second] = linesOf(folder) as Array<{ row: unknown; error: unknown }>
    expect(rowFromJson(first?.row)).toEqual(row)
    expect(first?.error).toMatchObject({
      code: 'ROW_REFUSED',
      message: 'The store refuses a row.',
      cause: { code: '22001', message: expect.stringContaining('value too long') },
    })
    expect(rowFromJson(second?.row)).toEqual(other)
    expect(second?.error).toEqual({ code: null, message: 'no error' })
    expect(readFileSync(join(folder, 'refused.jsonl'), 'utf8')).not.toContain('\u001b')
    await spool.close()
  })

  it('begins a line of its own after one that a crash has torn', async () => {
    const folder = freshFolder()
    const spool = fileSpool({ folder })
    appendFileSync(join(folder, 'refused.jsonl'), '{"row":{"id"')
    const row = sampleRow()
    await spool.setAside(row, new Error('refused'))
    const [, line = ''] = readFileSync(join(folder, 'refused.jsonl'), 'utf8').split('\n')
    expect(rowFromJson(JSON.parse(line).row)).toEqual(row)
    await spool.close()
  })

  it('is a fault where it can’t be kept', async () => {
    const folder = freshFolder()
    const spool = fileSpool({ folder })
    mkdirSync(join(folder, 'refused.jsonl'))
    await expect(spool.setAside(sampleRow(), new Error('refused'))).rejects.toMatchObject({ code: 'SPOOL_FAILED' })
    await spool.close()
  })
})

describe('closing a spool', () => {
  it('twice, at once and later, is closing it once', async () => {
    const folder = join(freshFolder(), 'spool')
    const spool = fileSpool({ folder })
    await spool.append(sampleRows(1))
    await drained(spool)
    await Promise.all([spool.close(), spool.close()])
    await spool.close()
    expect(readdirSync(folder)).toEqual([])
  })

  it('whose folder is gone ends all the same', async () => {
    const folder = join(freshFolder(), 'spool')
    const spool = fileSpool({ folder })
    await spool.append(sampleRows(1))
    rmSync(folder, { recursive: true })
    await spool.close()
  })

  it('takes nothing out for a batch that is done too late', async () => {
    const folder = join(freshFolder(), 'spool')
    const spool = fileSpool({ folder })
    const rows = sampleRows(2)
    await spool.append(rows)
    const batch = await spool.next(1)
    await spool.close()
    await batch?.done()
    const next = fileSpool({ folder })
    expect(await drained(next)).toEqual(rows)
    await next.close()
  })
})

it('what can’t be kept of a damaged record stays in the spool until it can', async () => {
  const folder = join(freshFolder(), 'spool')
  const spool = fileSpool({ folder })
  await spool.append(sampleRows(1))
  await spool.close()
  const [name = ''] = readdirSync(folder)
  writeFileSync(join(folder, name, '0000000001.spool'), 'rubbish\n')
  const next = fileSpool({ folder })
  next.onFault?.(() => undefined)
  mkdirSync(join(folder, 'damaged'))
  await expect(next.next(1)).rejects.toMatchObject({ code: 'SPOOL_FAILED' })
  rmSync(join(folder, 'damaged'), { recursive: true })
  expect(await next.next(1)).toBeNull()
  expect(readFileSync(join(folder, 'damaged'), 'utf8')).toBe('rubbish\n')
  await next.close()
})

it('a sub-folder that can’t be taken over is reported, and the spool works without it', async () => {
  const folder = freshFolder()
  const path = join(folder, rowId())
  writeFileSync(path, '')
  const spool = fileSpool({ folder })
  const fault = await new Promise<AuditError>((resolve) => spool.onFault?.(resolve))
  expect(fault).toMatchObject({ code: 'SPOOL_FAILED', message: expect.stringContaining(path) })
  const rows = sampleRows(1)
  await spool.append(rows)
  expect(await drained(spool)).toEqual(rows)
  await spool.close()
})

it('a position that can’t be written is reported, and costs no row and no order', async () => {
  const folder = join(freshFolder(), 'spool')
  const spool = fileSpool({ folder })
  const [name = ''] = readdirSync(folder)
  rmSync(join(folder, name, 'position'))
  const faults: AuditError[] = []
  spool.onFault?.((fault) => faults.push(fault))
  const rows = sampleRows(4)
  await spool.append(rows)
  expect(await drained(spool, 2)).toEqual(rows)
  expect(faults).toMatchObject([{ code: 'SPOOL_FAILED' }, { code: 'SPOOL_FAILED' }])
  await spool.close()
})
