import { execFile } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { type FileHandle, open as openFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  type JsonlSink,
  type JsonlSinkOptions,
  jsonlRows,
  jsonlSink,
  type UnreadableLine,
} from '@countersign/adapters/jsonl'
import { type AuditRow, createAuditTrail, rowToLine } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'
import { codeOf, warningsDuring } from '../support/recording.js'

const folder = freshFolder()
let files = 0
const freshPath = (): string => join(folder, `audit-${files++}.jsonl`)

async function read(path: string): Promise<{ ids: string[]; unreadable: UnreadableLine[] }> {
  const ids: string[] = []
  const unreadable: UnreadableLine[] = []
  for await (const { id } of jsonlRows(path, { onUnreadable: (line) => unreadable.push(line) })) ids.push(id)
  return { ids, unreadable }
}

const ids = (...rows: AuditRow[]): string[] => rows.map(({ id }) => id)

const open: JsonlSink[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const sink of open.splice(0)) await sink.close?.()
})

/** A sink that is closed after its test. */
function sinkAt(path: string, options: Omit<JsonlSinkOptions, 'path'> = {}): JsonlSink {
  const sink = jsonlSink({ path, ...options })
  open.push(sink)
  return sink
}

const any = await openFile(join(folder, 'any'), 'a')
await any.close()
/** What every open file of the process inherits. */
const everyFile = Object.getPrototypeOf(any) as FileHandle

/** Counts what is asked of every file during an action. */
async function calls(action: () => Promise<unknown>): Promise<{ writes: number; syncs: number }> {
  const write = vi.spyOn(everyFile, 'write')
  const sync = vi.spyOn(everyFile, 'datasync')
  await action()
  const counts = { writes: write.mock.calls.length, syncs: sync.mock.calls.length }
  vi.restoreAllMocks()
  return counts
}

describe('jsonlSink', () => {
  it('appends one line per row, in order, after what is there already', async () => {
    const path = freshPath()
    const [a, b, c] = [sampleRow(), sampleRow(), sampleRow()]
    await sinkAt(path).write([a])
    const sink = sinkAt(path)
    await sink.write([b])
    await sink.write([c])
    expect(readFileSync(path, 'utf8')).toBe([a, b, c].map((row) => `${rowToLine(row)}\n`).join(''))
  })

  it('lets concurrent callers share one write and one sync, and a row wait for the disk', async () => {
    const sink = sinkAt(freshPath())
    await sink.write([sampleRow()])
    const together = () => Promise.all(Array.from({ length: 100 }, () => sink.write([sampleRow()])))
    expect(await calls(together)).toEqual({ writes: 1, syncs: 1 })
    expect(await calls(() => sink.write([sampleRow()]))).toEqual({ writes: 1, syncs: 1 })
  })

  it('does not wait for the disk when told not to', async () => {
    const sink = sinkAt(freshPath(), { fsync: false })
    expect(await calls(() => sink.write([sampleRow()]))).toEqual({ writes: 1, syncs: 0 })
  })

  it('makes a file that its owner alone may read, unless told', async () => {
    const [own, group] = [freshPath(), freshPath()]
    await sinkAt(own).write([sampleRow()])
    await sinkAt(group, { mode: 0o640 }).write([sampleRow()])
    expect([statSync(own).mode & 0o777, statSync(group).mode & 0o777]).toEqual([0o600, 0o640])
  })

  it('ends the torn last line of a crash, so that the next row has a line of its own', async () => {
    const path = freshPath()
    const [whole, torn, next] = [sampleRow(), sampleRow(), sampleRow()]
    writeFileSync(path, `${rowToLine(whole)}\n${rowToLine(torn).slice(0, 200)}`)
    await sinkAt(path).write([next])
    const found = await read(path)
    expect(found.ids).toEqual(ids(whole, next))
    expect(found.unreadable.map(({ line }) => line)).toEqual([2])
  })

  it('leaves no empty line after a file that ended well', async () => {
    const path = freshPath()
    writeFileSync(path, `${rowToLine(sampleRow())}\n`)
    await sinkAt(path).write([sampleRow()])
    expect(readFileSync(path, 'utf8')).not.toContain('\n\n')
  })

  it('ends a line that its own failed write tore', async () => {
    const path = freshPath()
    const sink = sinkAt(path)
    const [a, torn, next] = [sampleRow(), sampleRow(), sampleRow()]
    await sink.write([a])
    vi.spyOn(everyFile, 'write').mockImplementationOnce(async () => {
      appendFileSync(path, rowToLine(torn).slice(0, 100))
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    })
    await expect(sink.write([torn])).rejects.toMatchObject({ code: 'ENOSPC' })
    vi.restoreAllMocks()
    await sink.write([next])
    await sink.write([torn])
    const found = await read(path)
    expect(found.ids, 'what failed may come again').toEqual(ids(a, next, torn))
    expect(found.unreadable.map(({ line }) => line)).toEqual([2])
  })

  it('goes on to write what the system did not take at once', async () => {
    const path = freshPath()
    const write = everyFile.write as unknown as (this: FileHandle, ...args: unknown[]) => Promise<unknown>
    vi.spyOn(everyFile, 'write').mockImplementation(function (this: FileHandle, bytes: Buffer, offset: number) {
      return write.call(this, bytes, offset, Math.min(100, bytes.length - offset))
    } as never)
    const row = sampleRow()
    await sinkAt(path)
      .write([row])
      .finally(() => vi.restoreAllMocks())
    expect(await read(path)).toEqual({ ids: ids(row), unreadable: [] })
  })

  it('loses a row when its folder is missing or its disk is full, and writes the next', async () => {
    const path = join(folder, 'later', 'audit.jsonl')
    const sink = sinkAt(path)
    const trail = createAuditTrail({ sink })
    trail.signals.on('fault', () => undefined)
    await trail.record('login')
    expect(trail.counts).toMatchObject({ recorded: 0, lost: 1 })
    mkdirSync(join(folder, 'later'))
    await trail.record('login')
    expect(trail.counts).toMatchObject({ recorded: 1, lost: 1 })
    expect((await read(path)).ids).toHaveLength(1)
  })

  it.runIf(existsSync('/dev/full'))('says that a disk is full', async () => {
    await expect(sinkAt('/dev/full').write([sampleRow()])).rejects.toMatchObject({ code: 'ENOSPC' })
  })

  it('writes on under a new name until it is told to reopen, and then to a new file', async () => {
    const path = freshPath()
    const sink = sinkAt(path)
    const [a, b, c] = [sampleRow(), sampleRow(), sampleRow()]
    await sink.write([a])
    renameSync(path, `${path}.1`)
    await sink.write([b])
    await sink.reopen()
    await sink.write([c])
    expect((await read(`${path}.1`)).ids).toEqual(ids(a, b))
    expect((await read(path)).ids).toEqual(ids(c))
  })

  it('lets nothing be torn or lost by a reopening in the middle of it', async () => {
    const path = freshPath()
    const sink = sinkAt(path)
    const rows = Array.from({ length: 200 }, () => sampleRow())
    const written = rows.map(async (row, index) => {
      await new Promise((resolve) => setTimeout(resolve, index % 10))
      await sink.write([row])
    })
    for (let part = 1; part <= 5; part++) {
      await new Promise((resolve) => setTimeout(resolve, 2))
      if (existsSync(path)) renameSync(path, `${path}.${part}`)
      await sink.reopen()
    }
    await Promise.all(written)
    const parts = [path, ...[1, 2, 3, 4, 5].map((part) => `${path}.${part}`)].filter((part) => existsSync(part))
    const found = await Promise.all(parts.map(read))
    expect(found.flatMap((part) => part.ids).sort()).toEqual(ids(...rows))
    expect(found.flatMap(({ unreadable }) => unreadable)).toEqual([])
  })

  it('makes a new file when its own was deleted', async () => {
    const path = freshPath()
    const sink = sinkAt(path)
    await sink.write([sampleRow()])
    rmSync(path)
    const row = sampleRow()
    await sink.write([row])
    expect((await read(path)).ids).toEqual(ids(row))
  })

  it('appends at the end of a file that was cut off under it', async () => {
    const path = freshPath()
    const sink = sinkAt(path)
    await sink.write([sampleRow()])
    truncateSync(path)
    const row = sampleRow()
    await sink.write([row])
    expect((await read(path)).ids).toEqual(ids(row))
  })

  it('does not let a row that has no line take its neighbours with it', async () => {
    const path = freshPath()
    const sink = sinkAt(path)
    const [a, bad, b] = [sampleRow(), sampleRow({ details: { big: 1n } as never }), sampleRow()]
    const written = await Promise.allSettled([a, bad, b].map((row) => sink.write([row])))
    expect(written.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((await read(path)).ids).toEqual(ids(a, b))
  })

  it('has written everything, and holds no file, when it is closed', async () => {
    const path = freshPath()
    const program = `
      import { jsonlSink } from '@countersign/adapters/jsonl'
      import { sampleRow } from '@countersign/core/testing'
      const sink = jsonlSink({ path: process.argv[1] })
      for (let row = 0; row < 50; row++) void sink.write([sampleRow()])
      await sink.close()
      process.kill(process.pid, 'SIGKILL')`
    const options = { cwd: join(import.meta.dirname, '..') }
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, path], options).catch(() => null)
    expect((await read(path)).ids).toHaveLength(50)
  })

  it.each([undefined, {}, { path: '' }, { path: 7 }])('is refused what names no file: %o', (options) => {
    expect(codeOf(() => jsonlSink(options as never))).toBe('SETTING_INVALID')
  })
})

describe('jsonlRows', () => {
  it('reads rows back in the order of the file, and a whole last line without its newline', async () => {
    const path = freshPath()
    const rows = [sampleRow(), sampleRow()]
    writeFileSync(path, rows.map(rowToLine).join('\n'))
    const found: AuditRow[] = []
    for await (const row of jsonlRows(path)) found.push(row)
    expect(found).toEqual(rows)
  })

  it('skips what is no row, and says where it is; an empty line is nothing', async () => {
    const path = freshPath()
    const row = sampleRow()
    writeFileSync(path, `{"id":\n\n${rowToLine(row)}\n{"id":"x"}\n`)
    const { ids: found, unreadable } = await read(path)
    expect(found).toEqual(ids(row))
    expect(unreadable).toEqual([
      { line: 1, error: expect.objectContaining({ code: 'ROW_INVALID', cause: expect.any(SyntaxError) }) },
      { line: 4, error: expect.objectContaining({ message: `Line 4 of ${path} is no audit row, and is skipped.` }) },
    ])
  })

  it('warns of what is no row when nobody else is told', async () => {
    const path = freshPath()
    writeFileSync(path, 'x\n')
    const warnings = await warningsDuring(async () => {
      for await (const row of jsonlRows(path)) expect(row).toBeUndefined()
    })
    expect(warnings).toEqual([{ code: 'ROW_INVALID', message: expect.stringContaining('Line 1') }])
  })

  it('rejects when there is no file', async () => {
    await expect(read(freshPath())).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
