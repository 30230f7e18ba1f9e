import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { isRowId } from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'
import { drained, filesOf, idsOf, leftBehind, sampleRows } from '../support/spools.js'

const spoolModule = new URL('../../packages/core/dist/file-spool/index.js', import.meta.url).href
const testingModule = new URL('../../packages/core/dist/testing/index.js', import.meta.url).href

let folder = ''
const children: ChildProcess[] = []

beforeEach(() => {
  folder = join(freshFolder(), 'spool')
})
afterEach(() => {
  vi.restoreAllMocks()
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

interface Writer {
  /** The next line that it says. */
  readonly says: () => Promise<string>
  readonly tell: (line: string) => void
  /** Kills it; everything that it said can be read after that. */
  readonly kill: () => Promise<void>
}

/** Another process with a spool in the folder, and what it does with it. */
function elsewhere(script: string): Writer {
  const source = `
    import { once } from 'node:events'
    import { fileSpool } from ${JSON.stringify(spoolModule)}
    import { sampleRow } from ${JSON.stringify(testingModule)}
    const folder = ${JSON.stringify(folder)}
    const told = () => once(process.stdin, 'data')
    ${script}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    says: async () => (await lines.next()).value ?? '',
    tell: (line) => child.stdin.write(line),
    async kill() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

const appending = `
  const spool = fileSpool({ folder, segmentBytes: 20_000 })
  const append = async () => { const row = sampleRow(); await spool.append([row]); console.log(row.id) }
`

const foldersOf = (): string[] => readdirSync(folder).filter(isRowId)

describe('the rows of a process that was killed', () => {
  it('are replayed by the next one, every acknowledged row once and in order, and then its sub-folder goes', async () => {
    const writer = elsewhere(`${appending} while (true) await Promise.all([append(), append(), append()])`)
    const acknowledged: string[] = []
    while (acknowledged.length < 200) acknowledged.push(await writer.says())
    await writer.kill()
    for (let id = await writer.says(); id !== ''; id = await writer.says()) acknowledged.push(id)

    const spool = fileSpool({ folder })
    spool.onFault?.(() => undefined)
    expect(spool.size.rows).toBeGreaterThanOrEqual(acknowledged.length)
    expect(foldersOf()).toHaveLength(2)
    const found = idsOf(await drained(spool))
    expect(found.slice(0, acknowledged.length)).toEqual(acknowledged)
    expect(found.length - acknowledged.length).toBeLessThanOrEqual(3)
    expect(new Set(found).size).toBe(found.length)
    expect(foldersOf()).toHaveLength(1)
    await spool.close()
    expect(foldersOf()).toEqual([])
  })

  it('do not come again where they were done', async () => {
    const writer = elsewhere(`
      ${appending}
      for (let row = 0; row < 50; row++) await append()
      let done = 0
      for (let batches = 0; batches < 4; batches++) {
        const batch = await spool.next(7)
        await batch.done()
        done += batch.rows.length
      }
      console.log('done')
      console.log(done)
      await told()`)
    const ids: string[] = []
    for (let said = await writer.says(); said !== 'done'; said = await writer.says()) ids.push(said)
    const done = Number(await writer.says())
    await writer.kill()
    expect(done).toBeGreaterThan(20)
    const spool = fileSpool({ folder })
    expect(spool.size.rows).toBe(50 - done)
    expect(idsOf(await drained(spool))).toEqual(ids.slice(done))
    await spool.close()
  })

  it('come before one’s own, those of the oldest process first', async () => {
    const ids: string[] = []
    for (let process = 0; process < 3; process++) {
      const writer = elsewhere(`${appending} await append(); await append(); await told()`)
      ids.push(await writer.says(), await writer.says())
      await writer.kill()
    }
    const spool = fileSpool({ folder })
    const own = sampleRows(2)
    await spool.append(own)
    expect(spool.size.rows).toBe(8)
    expect(idsOf(await drained(spool))).toEqual([...ids, ...idsOf(own)])
    await spool.close()
  })

  it('are found by a process that runs, when it has nothing else to do for a minute', async () => {
    const spool = fileSpool({ folder })
    const writer = elsewhere(`${appending} await append(); await told()`)
    const id = await writer.says()
    await writer.kill()
    expect(await spool.next(10)).toBeNull()
    const now = performance.now()
    vi.spyOn(performance, 'now').mockReturnValue(now + 61_000)
    expect(idsOf((await spool.next(10))?.rows ?? [])).toEqual([id])
    await drained(spool)
    await spool.close()
  })
})

describe('processes that live', () => {
  it('keep their rows to themselves', async () => {
    const writer = elsewhere(`${appending} await append(); await told(); await append(); await told()`)
    await writer.says()
    const [before] = foldersOf().map((name) => readdirSync(join(folder, name)).sort())
    const spool = fileSpool({ folder })
    expect(spool.size.rows).toBe(0)
    expect(await spool.next(10)).toBeNull()
    expect(readdirSync(join(folder, foldersOf()[0] ?? '')).sort()).toEqual(before)
    writer.tell('go on')
    expect(await writer.says()).not.toBe('')
    await spool.close()
  })

  it('never have the rows of the same dead one twice between them, when they begin at one moment', async () => {
    for (let round = 0; round < 3; round++) {
      const dead = elsewhere(`${appending} for (let row = 0; row < 5; row++) await append(); await told()`)
      const ids: string[] = []
      while (ids.length < 5) ids.push(await dead.says())
      await dead.kill()
      const heirs = Array.from({ length: 3 }, () =>
        elsewhere(`
          console.log('ready')
          await told()
          const spool = fileSpool({ folder })
          const rows = []
          for (let batch; (batch = await spool.next(2)); await batch.done()) rows.push(...batch.rows)
          console.log(rows.map(({ id }) => id).join(' '))
          await spool.close()
          process.exit()`),
      )
      for (const { says } of heirs) expect(await says()).toBe('ready')
      for (const { tell } of heirs) tell('go')
      const found = await Promise.all(heirs.map(({ says }) => says()))
      expect(found.filter((text) => text !== '')).toEqual([ids.join(' ')])
    }
  })

  it('that were taken for dead, because their machine slept, lose nothing that they acknowledge', async () => {
    const sleeper = fileSpool({ folder })
    sleeper.onFault?.(() => undefined)
    const rows = sampleRows(3)
    await sleeper.append(rows.slice(0, 1))
    const [lock = ''] = filesOf(folder, 'lock')
    writeFileSync(lock, JSON.stringify({ pid: 1, startedAt: '1', place: 'another container' }))
    const silent = new Date(Date.now() - 60_000)
    utimesSync(lock, silent, silent)
    const heir = fileSpool({ folder })
    expect(heir.size.rows).toBe(1)
    await sleeper.append(rows.slice(1, 2))
    expect(await drained(heir)).toEqual(rows.slice(0, 2))
    await expect(sleeper.append(rows.slice(2))).rejects.toMatchObject({ code: 'SPOOL_FAILED' })
    await sleeper.close()
    await heir.close()
    expect(foldersOf()).toEqual([])
  })

  it('share a folder within one process, too, and replay what the other left when it is closed', async () => {
    const [first, second] = [fileSpool({ folder }), fileSpool({ folder })]
    const rows = sampleRows(2)
    await first.append(rows)
    expect(await second.next(10)).toBeNull()
    await first.close()
    await second.close()
    const third = fileSpool({ folder })
    expect(await drained(third)).toEqual(rows)
    await third.close()
  })
})

it('a process that ends without a close leaves its rows, and no lock', async () => {
  const writer = elsewhere(`${appending} await append(); process.exit()`)
  const id = await writer.says()
  expect(await writer.says()).toBe('')
  expect(filesOf(folder, 'lock')).toEqual([])
  const spool = fileSpool({ folder })
  expect(idsOf(await drained(spool))).toEqual([id])
  await spool.close()
})

it('twenty spools in one process share its listener, and one of them has what a dead one left', async () => {
  const warned = vi.spyOn(process, 'emitWarning')
  const rows = sampleRows(1)
  await leftBehind(folder, rows)
  const opened = Array.from({ length: 20 }, () => fileSpool({ folder }))
  expect(warned).not.toHaveBeenCalled()
  const found = await Promise.all(opened.map((spool) => drained(spool)))
  expect(found.flat()).toEqual(rows)
  for (const spool of opened) await spool.close()
  expect(existsSync(folder)).toBe(true)
  expect(foldersOf()).toEqual([])
})
