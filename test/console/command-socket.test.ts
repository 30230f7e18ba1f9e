import { once } from 'node:events'
import { lstat, mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type CommandServer, serveCommands } from '@countersign/console'
import { createAuditTrail, memorySink } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import type { MikroORM } from '@mikro-orm/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ConsolePlace, consolePlaces, started, typed } from '../support/consoles.js'
import { freshFolder } from '../support/fresh-folder.js'

/** A server whose database is never asked. */
async function serveIn(folder: string): Promise<CommandServer> {
  const trail = createAuditTrail({ sink: memorySink() })
  return serveCommands({ folder, trail, orm: {} as MikroORM })
}

const request = (changes: object): string =>
  `${JSON.stringify({ countersign: 'command/v1', argv: ['months'], input: [], user: 'eve', isTerminal: false, ...changes })}\n`

/** Everything that the server answers to what is sent. */
async function answerTo(folder: string, text: string): Promise<string> {
  const socket = createConnection(join(folder, 'control.sock')).setEncoding('utf8')
  socket.write(text)
  let answer = ''
  for await (const piece of socket) answer += piece
  return answer
}

describe('the socket of a data folder', () => {
  it('is for the user of the server alone, and goes with the server', async () => {
    const folder = join(freshFolder(), 'data')
    const server = await serveIn(folder)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    const socket = await lstat(join(folder, 'control.sock'))
    expect([socket.isSocket(), socket.mode & 0o777]).toEqual([true, 0o600])
    expect(await readdir(folder)).toEqual(['control.sock'])
    await server.close()
    expect(await readdir(folder)).toEqual([])
  })

  it('of a server that died is replaced; of one that lives it is not', async () => {
    const folder = freshFolder()
    const dead = createServer().listen(join(folder, 'dead'))
    await once(dead, 'listening')
    // Its file stays behind as that of a killed process would: it is no longer where it is looked for.
    await rename(join(folder, 'dead'), join(folder, 'control.sock'))
    dead.close()
    const server = await serveIn(folder)
    await expect(serveIn(folder)).rejects.toMatchObject({ code: 'STORE_LOCKED' })
    expect((await typed(['sequence', '--once'], { DATA_DIR: folder })).err).toContain('does that already')
    await server.close()
  })

  it('is not put in the place of a file that is none', async () => {
    const folder = freshFolder()
    await writeFile(join(folder, 'control.sock'), 'mine')
    await expect(serveIn(folder)).rejects.toMatchObject({ code: 'SETTING_INVALID' })
    expect((await stat(join(folder, 'control.sock'))).size).toBe(4)
  })

  it('that can not be made says why', async () => {
    const file = join(freshFolder(), 'file')
    await writeFile(file, '')
    await expect(serveIn(join(file, 'data'))).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      message: expect.stringContaining(file),
    })
  })

  it.runIf(process.platform === 'linux')(
    'works in a folder whose path is longer than the address of a socket',
    async () => {
      const folder = join(freshFolder(), 'long'.repeat(20), 'longer'.repeat(20))
      await mkdir(folder, { recursive: true })
      const server = await serveIn(folder)
      expect((await typed(['sequence'], { DATA_DIR: folder })).err).toContain('does that already')
      await server.close()
      expect(await readdir(folder)).toEqual([])
    },
  )
})

// In pages of forty leaves.
const halfOfTheLog = 50

describe('what comes over the socket', () => {
  const folder = freshFolder()
  const bundles = freshFolder()
  let place: ConsolePlace
  beforeAll(async () => {
    place = await (consolePlaces.find(({ name }) => name === 'in a server') as (typeof consolePlaces)[number]).open(
      folder,
    )
    const userAgent = 'é🦊'.repeat(50)
    for (let batch = 0; batch < 4; batch++)
      await place.write(Array.from({ length: 1000 }, () => sampleRow({ userAgent })))
  })
  afterAll(() => place.close())

  it.each([
    ['no JSON', 'hello\n'],
    ['another request', '{"countersign":"command/v2"}\n'],
    ['a list of something else', request({ argv: [{}] })],
    ['a command of the client', request({ argv: ['key', 'new', 'a'] })],
    ['a file to verify', request({ argv: ['verify', '/etc/passwd'] })],
    ['what the server does anyway', request({ argv: ['sequence'] })],
    ['help', request({ argv: ['--help'] })],
  ])('as %s is refused', async (_, text) => {
    const answer = await answerTo(folder, text)
    expect(answer).toMatch(/^\{"err":"[^"]+"\}\n\{"exit":1\}\n$/)
    expect(answer).not.toContain('root:')
  })

  it('names files that the server neither reads nor writes', async () => {
    const out = join(folder, 'out')
    const argv = ['checkpoint', '--out', out]
    expect(await answerTo(folder, request({ argv }))).toMatch(/^\{"out":".+"\}\n\{"exit":0\}\n$/)
    const anchored = ['verify', '--anchor', '/etc/passwd', '--json']
    expect(await answerTo(folder, request({ argv: anchored }))).toContain('\\"anchors\\":0')
    const rotation = await answerTo(folder, request({ argv: ['key', 'rotate', '--to', '/etc/passwd'] }))
    expect(rotation).toMatch(/^\{"err":"The key can't be used: /)
    expect(await readdir(folder)).toEqual(['control.sock'])
  })

  it('is answered as fast as it is read, and whole', async () => {
    const pages = await pagesRead(place)
    const child = started(['export'], place.env)
    await once(child.stdout, 'readable')
    await wait(500)
    expect(pages()).toBeLessThan(halfOfTheLog)
    let out = ''
    for await (const text of child.stdout) out += text
    await writeFile(join(bundles, 'bundle'), out)
    expect(await typed(['verify', join(bundles, 'bundle')])).toMatchObject({
      code: 0,
      out: expect.stringContaining('sound: 4,000 leaves'),
    })
  })

  it('ends where the client has gone', async () => {
    const pages = await pagesRead(place)
    const socket = createConnection(join(folder, 'control.sock'))
    socket.write(request({ argv: ['export'] }))
    await once(socket, 'readable')
    socket.destroy()
    await wait(300)
    const then = pages()
    expect(then).toBeLessThan(halfOfTheLog)
    await wait(300)
    expect(pages()).toBe(then)
  })

  it('ends with the server, which waits for nobody who does not read', async () => {
    const server = await serveCommands({ folder: join(folder, 'other'), ...place })
    const silent = createConnection(join(folder, 'other/control.sock'))
    await once(silent, 'connect')
    const deaf = createConnection(join(folder, 'other/control.sock'))
    deaf.write(request({ argv: ['export'] }))
    const child = started(['export'], { DATA_DIR: join(folder, 'other') })
    await once(child.stdout, 'readable')
    let err = ''
    child.stderr.on('data', (text) => {
      err += text
    })
    const closed = server.close()
    child.stdout.resume()
    expect(await once(child, 'close')).toEqual([1, null])
    await closed
    expect(err).toContain('The server is stopping. Run the command again when it is back.')
    for (const socket of [silent, deaf]) socket.destroy()
  })

  it.runIf(process.getuid?.() === 0)('comes from the user of the server, and from nobody else', async () => {
    const child = started(['months'], place.env, { uid: 65_534, gid: 65_534 })
    let err = ''
    child.stderr.on('data', (text) => {
      err += text
    })
    expect(await once(child, 'close')).toEqual([1, null])
    expect(err).toContain('Run the command as the user that the server runs as.')
  })
})

interface Lite {
  query(text: string, ...rest: unknown[]): unknown
  transaction(run: unknown): unknown
}

/** How many pages of leaves are read from now on. */
async function pagesRead({ orm }: ConsolePlace): Promise<() => number> {
  const connection = orm.em.getDriver().getConnection() as unknown as { getNativeClient(): Promise<Lite> }
  const native = await connection.getNativeClient()
  let pages = 0
  const counting: Lite = {
    query(text, ...rest) {
      if (text.includes('from audit_leaf l left join audit_event')) pages++
      return native.query(text, ...rest)
    },
    transaction: (run) => native.transaction(run),
  }
  connection.getNativeClient = async () => counting
  return () => pages
}
