import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockDataFolder } from '../../packages/adapters/dist/mikro-orm/data-folder-lock.js'
import { codeOf } from '../support/recording.js'

const run = promisify(execFile)
const lockModule = new URL('../../packages/adapters/dist/mikro-orm/data-folder-lock.js', import.meta.url).href
const isLinux = process.platform === 'linux'

const script = (folder: string): string => `
  import { lockDataFolder } from ${JSON.stringify(lockModule)}
  const take = () => {
    try { lockDataFolder(${JSON.stringify(folder)}); console.log('taken') } catch (error) { console.log(error.code) }
  }`

/** What becomes of another process that takes the folder, and then ends as told. */
async function elsewhere(folder: string, then = ''): Promise<string> {
  const args = ['--input-type=module', '-e', `${script(folder)}\ntake()\n${then}`]
  const { stdout } = await run(process.execPath, args).catch((error: { stdout: string }) => error)
  return stdout.trim()
}

/** What becomes of several processes that start to take the folder at one moment and hold what they got. */
async function contest(folder: string, processes: number): Promise<string[]> {
  const args = [
    '--input-type=module',
    '-e',
    `${script(folder)}\nconsole.log('ready')\nprocess.stdin.once('data', take)`,
  ]
  const children = Array.from({ length: processes }, () => spawn(process.execPath, args))
  await Promise.all(children.map(({ stdout }) => once(stdout, 'data')))
  const answers = children.map(({ stdout }) => once(stdout, 'data'))
  for (const { stdin } of children) stdin.write('go')
  const found = await Promise.all(answers)
  const ended = children.map((child) => once(child, 'exit'))
  for (const { stdin } of children) stdin.end()
  await Promise.all(ended)
  return found.map(([data]) => String(data).trim()).sort()
}

let folder = ''
const lockFile = (): string => join(folder, 'countersign.lock')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('the lock of a data folder', () => {
  it('is taken, refused to a second taker with one clear sentence, and given back', () => {
    const lock = lockDataFolder(folder)
    expect(codeOf(() => lockDataFolder(folder))).toBe('STORE_LOCKED')
    expect(() => lockDataFolder(folder)).toThrow(
      new RegExp(`${folder} is in use by process ${process.pid}.*DATABASE_URL`),
    )
    lock.release()
    expect(readdirSync(folder)).toEqual([])
    lockDataFolder(folder).release()
  })

  it('makes the folder, for its owner only', () => {
    const inner = join(folder, 'a', 'b')
    const lock = lockDataFolder(inner)
    expect(statSync(inner).mode & 0o777).toBe(0o700)
    expect(statSync(join(inner, 'countersign.lock')).mode & 0o777).toBe(0o600)
    lock.release()
  })

  it('leaves nothing but itself behind, also after a refusal', () => {
    const lock = lockDataFolder(folder)
    codeOf(() => lockDataFolder(folder))
    expect(readdirSync(folder)).toEqual(['countersign.lock'])
    lock.release()
  })

  it('listens for the end of the process no longer than it is held', () => {
    const before = process.listenerCount('exit')
    const lock = lockDataFolder(folder)
    expect(process.listenerCount('exit')).toBe(before + 1)
    codeOf(() => lockDataFolder(folder))
    lock.release()
    expect(process.listenerCount('exit')).toBe(before)
  })

  it('can be given back twice, and the second time takes nothing from the next holder', () => {
    const first = lockDataFolder(folder)
    first.release()
    const second = lockDataFolder(folder)
    first.release()
    expect(existsSync(lockFile())).toBe(true)
    second.release()
  })

  it('is not torn from whoever has it now', () => {
    const lock = lockDataFolder(folder)
    writeFileSync(lockFile(), JSON.stringify({ pid: 1, startedAt: null }))
    lock.release()
    expect(existsSync(lockFile())).toBe(true)
  })
})

describe('the lock, between processes', () => {
  it('is refused to another process', async () => {
    const lock = lockDataFolder(folder)
    expect(await elsewhere(folder)).toBe('STORE_LOCKED')
    lock.release()
    expect(await elsewhere(folder)).toBe('taken')
  })

  it('is given back by a process that ends, even by an uncaught error', async () => {
    expect(await elsewhere(folder, "throw new Error('x')")).toBe('taken')
    expect(readdirSync(folder)).toEqual([])
  })

  it('of a killed process is taken over', async () => {
    expect(await elsewhere(folder, "process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})")).toBe('taken')
    expect(existsSync(lockFile())).toBe(true)
    const lock = lockDataFolder(folder)
    expect(JSON.parse(readFileSync(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid })
    expect(readdirSync(folder)).toEqual(['countersign.lock'])
    lock.release()
  })

  it.runIf(isLinux)('of a process whose id was given to another one is taken over', () => {
    writeFileSync(lockFile(), JSON.stringify({ pid: process.pid, startedAt: '1' }))
    lockDataFolder(folder).release()
    expect(readdirSync(folder)).toEqual([])
  })

  it.each(['', 'not json', 'null', '{}', '7'])('that can’t be read is taken over: %j', (content) => {
    writeFileSync(lockFile(), content)
    const lock = lockDataFolder(folder)
    expect(JSON.parse(readFileSync(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid })
    lock.release()
  })

  it('goes to one of several processes that find the same stale lock', async () => {
    for (let round = 0; round < 3; round++) {
      writeFileSync(lockFile(), JSON.stringify({ pid: 2 ** 22 + 1, startedAt: '1' }))
      expect(await contest(folder, 4)).toEqual(['STORE_LOCKED', 'STORE_LOCKED', 'STORE_LOCKED', 'taken'])
      expect(readdirSync(folder)).toEqual([])
    }
  })

  it('of another place is respected while it is touched, and taken over when it is silent', () => {
    const foreign = { pid: 1, startedAt: '1', place: 'another container' }
    writeFileSync(lockFile(), JSON.stringify(foreign))
    expect(codeOf(() => lockDataFolder(folder))).toBe('STORE_LOCKED')
    const silent = new Date(Date.now() - 31_000)
    utimesSync(lockFile(), silent, silent)
    lockDataFolder(folder).release()
  })
})
