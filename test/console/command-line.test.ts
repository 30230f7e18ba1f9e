import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lockDataFolder, logOperations, logSequencer, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { createAuditTrail, memorySink } from '@countersign/core'
import { fileAnchor, newSigningKey, noteSigner } from '@countersign/core/evidence'
import { checkpointKeyOf } from '@countersign/core/keys'
import { sampleRow } from '@countersign/core/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asker, testRequests } from '../support/audit-requests.js'
import { bundleOf, SampleLog } from '../support/bundle-builder.js'
import { countersign, folderDatabase, started, typed } from '../support/consoles.js'
import { postgresAvailable, postgresDatabase, type TestDatabase } from '../support/databases.js'
import { freshFolder } from '../support/fresh-folder.js'
import type { TestLog } from '../support/logs.js'

describe('a command line', () => {
  it('without a command, or with an unknown one, says what there is, and ends with 2', async () => {
    const none = await countersign([])
    const [unknown, half] = [await typed(['frob']), await typed(['hold'])]
    expect(none).toMatchObject({ code: 2, out: '', err: expect.stringContaining('  verify        verifies the log') })
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining("There is no command 'frob'") })
    expect(half).toMatchObject({ code: 2, err: 'Say which: hold place, hold release, hold list.\n' })
  })

  it('with --help tells about each command, with one example', async () => {
    const { code, out, err } = await typed(['--help'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const names = [...out.matchAll(/^ {2}(\w+(?: \w+)?) {2,}/gm)].map(([, name = '']) => name)
    expect(names).toHaveLength(14)
    for (const help of await Promise.all(names.map((name) => typed([...name.split(' '), '--help'])))) {
      expect(help).toMatchObject({ code: 0, err: '' })
      expect(help.out.match(/^Example: countersign /gm)).toHaveLength(1)
    }
  })

  it.each([
    [['verify', 'a', 'b'], "'b' is one word too many."],
    [['verify', '--key', 'nonsense'], "--key 'nonsense' is no verifier key"],
    [['verify', '--frob'], "Unknown option '--frob'"],
    [['export', '--from', '2026-02-31'], "--from '2026-02-31' is no date"],
    [['export', '--from', '2026-02', '--to', '2026-01'], '--to must be later than --from.'],
    [['prove'], 'The id of a row is missing.'],
    [['prove', '7'], "'7' is no id of a row."],
    [['erase'], 'Give --subject, or --before.'],
    [['erase', '--subject', '7'], "--subject '7' has not the form type:id"],
    [['prune'], '--before is missing.'],
    [['prune', '--before', '2999-01-01'], "--before '2999-01-01' has not come yet."],
    [['key', 'new', 'a b'], "'a b' can't name a key"],
  ])('%j makes no sense: 2, and how it is written', async (args, said) => {
    const { code, out, err } = await typed(args, { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' })
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(said)
    expect(err).toContain(`Write: countersign ${args[0]}`)
  })

  it('says where it looked in vain, and makes nothing there', async () => {
    const folder = freshFolder()
    const away = await typed(['verify'], { DATABASE_URL: 'postgres://me:secret@127.0.0.1:1/none' })
    expect(away).toMatchObject({ code: 1, out: '', err: expect.stringContaining('127.0.0.1:1/none (DATABASE_URL)') })
    expect(away.err).not.toContain('secret')
    const empty = await typed(['verify'], { DATA_DIR: join(folder, 'data') })
    expect(empty).toMatchObject({ code: 1, err: expect.stringContaining('There is no database in the data folder') })
    expect(await readdir(folder)).toEqual([])
  })
})

describe('verify, without a database', () => {
  const folder = freshFolder()
  const log = new SampleLog(12)
  const lines = log.lines([3, 7, 12], [])
  const given = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }

  it('reads a bundle from a file or from the standard input', async () => {
    const text = bundleOf(lines)
    expect(await typed(['verify', await given('bundle', text)])).toMatchObject({ code: 0 })
    const cut = await countersign(['verify', '-'], {}, text.slice(0, -2000))
    expect(cut).toMatchObject({ code: 12, out: expect.stringContaining('truncated: ') })
  })

  it('ends with 1 for what can not be read, and for an anchor that is none', async () => {
    const bundle = await given('bundle', bundleOf(lines))
    const missing = join(folder, 'missing')
    expect(await typed(['verify', missing])).toEqual({
      code: 1,
      out: '',
      err: `${missing} can't be read (ENOENT).\n`,
    })
    expect((await typed(['verify', folder])).code).toBe(1)
    expect((await typed(['verify', bundle, '--anchor', missing])).code).toBe(1)
    const none = await typed(['verify', bundle, '--anchor', await given('none', 'nothing')])
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining('has no checkpoint in it') })
  })

  it('shows nothing to the terminal that could act on it', async () => {
    const text = bundleOf(lines).replace('"id":"', '"id":"\\u001b[2J\\u202e')
    const { code, out } = await typed(['verify', await given('evil', text)])
    expect(code).toBeGreaterThan(9)
    for (const evil of ['\u001b', '\u202e']) expect(out).not.toContain(evil)
  })
})

describe('a data folder', () => {
  const folder = freshFolder()
  const env = { DATA_DIR: folder }

  beforeAll(async () => {
    const orm = await folderDatabase(folder)
    const sink = mikroOrmSink(orm)
    const signer = checkpointKeyOf({}, { folder, publicUrl: 'http://127.0.0.1:3000' })
    if (!signer) throw new Error('No key.')
    await sink.write([sampleRow(), sampleRow()])
    const sequencer = logSequencer(orm, { signer })
    await sequencer.catchUp()
    await sink.write([sampleRow()])
    await sequencer.stop()
    await sink.close?.()
    await orm.close(true)
  })

  it('whose log is sequenced by a process of its own takes commands there', async () => {
    const child = started(['sequence'], env)
    await once(child.stderr, 'data')
    expect((await countersign(['verify'], env)).code).toBe(0)
    expect(await countersign(['sequence', '--once'], env)).toMatchObject({
      code: 1,
      err: expect.stringContaining('does that already'),
    })
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(existsSync(join(folder, 'control.sock'))).toBe(false)
  }, 60_000)

  it('that a process has open which takes no commands: one sentence says so', async () => {
    const lock = lockDataFolder(folder)
    try {
      const { code, out, err } = await typed(['verify'], env)
      expect({ code, out }).toEqual({ code: 1, out: '' })
      const who = `The data folder ${folder} is in use by process ${process.pid}`
      expect(err).toBe(`${who}, which takes no commands: stop it, or wait until it has ended.\n`)
    } finally {
      lock.release()
    }
  })

  it('that nobody has open is opened, and left as it was', async () => {
    expect(await typed(['verify'], env)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^sound: [34] leaves, .* key 127\.0\.0\.1:3000\/audit\+.* \(pinned\)\n$/),
    })
    expect((await readdir(folder)).sort()).toEqual(['checkpoint.key', 'postgres'])
  })
})

describe.runIf(await postgresAvailable())('a server of databases', () => {
  let database: TestDatabase
  const folder = freshFolder()
  beforeAll(async () => {
    database = await postgresDatabase()
    const sink = mikroOrmSink(database.orm)
    await sink.write([sampleRow()])
    await sink.close?.()
  })
  afterAll(() => database.close())

  it('has its log sequenced until SIGTERM, with a key that is made once', async () => {
    const env = { DATABASE_URL: database.url ?? '', DATA_DIR: join(folder, 'data'), PUBLIC_URL: 'https://example.org' }
    await mkdir(env.DATA_DIR)
    const child = started(['sequence', '--json'], env)
    let out = ''
    child.stdout.on('data', (text) => (out += text))
    const connection = database.orm.em.getDriver().getConnection()
    await expect.poll(() => connection.execute('select 1 from audit_checkpoint')).toHaveLength(1)
    child.kill('SIGTERM')
    expect(await once(child, 'close')).toEqual([0, null])
    expect(JSON.parse(out)).toEqual({ leaves: 1 })
    const { name } = noteSigner(await readFile(join(env.DATA_DIR, 'checkpoint.key'), 'utf8')).verifier
    expect(name).toBe('example.org/audit')
  })

  it('has done what was asked for over the API by a process without the key', async () => {
    const trail = createAuditTrail({ sink: memorySink() })
    const log = { trail, operations: logOperations(database.orm, { trail }), database } as unknown as TestLog
    const { requests, jobs, close } = testRequests(log, { concurrency: 0, approval: false })
    await jobs.start()
    const asked = await requests.request(asker, 'erasure', { subject: { type: 'user', id: 'u-1' } })
    const env = { DATABASE_URL: database.url ?? '', DATA_DIR: join(folder, 'data'), PUBLIC_URL: 'https://example.org' }
    const child = started(['sequence'], env)
    await expect.poll(() => requests.get(asked.id), { timeout: 20_000 }).toMatchObject({ state: 'done' })
    child.kill('SIGTERM')
    expect(await once(child, 'close')).toEqual([0, null])
    await close()
  })

  it('whose key this process has not: what is signed is refused, what is read is not', async () => {
    const env = { DATABASE_URL: database.url ?? '', DATA_DIR: join(folder, 'none') }
    const erased = await typed(['erase', '--subject', 'user:7'], env)
    expect(erased).toMatchObject({ code: 1, err: expect.stringContaining('Set CHECKPOINT_KEY') })
    const named = await typed(['erase', '--subject', 'user:7', '--identifier', 'ada@example.org'], env)
    expect(named).toMatchObject({ code: 1, err: expect.stringContaining('Set SECRET_KEY') })
    const other = await typed(['prune', '--before', '2020-01'], { ...env, CHECKPOINT_KEY: newSigningKey('a') })
    expect(other).toMatchObject({ code: 0, err: 'No month ended before that.\n' })
    const kept = { ANCHOR_FILE: join(folder, 'kept') }
    await fileAnchor({ path: kept.ANCHOR_FILE }).publish({ note: (await typed(['checkpoint'], env)).out } as never)
    expect((await typed(['verify'], { ...env, ...kept })).out).toMatch(/, 1 anchor confirmed; .* \(not pinned: /)
    expect(existsSync(env.DATA_DIR)).toBe(false)
  })
})
