import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/compile.js'
import { postgresAvailable } from '../support/databases.js'

const page = readFileSync(join(root, 'docs/evidence.md'), 'utf8')
const here = await postgresAvailable()
const server = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres'

/** Everything that the page says to type, section by section. */
const sections = page
  .split(/^## /m)
  .slice(1)
  .map((text) => ({
    title: text.split('\n', 1)[0] as string,
    typed: [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, code]) => code as string).join(''),
  }))

describe.runIf(here)('the walk-through of docs/evidence.md, typed as it stands', () => {
  const outputs = new Map<string, string>()
  let folder = ''
  let exit: number | null = null

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-evidence-'))
    const mark = (title: string): string => `echo; echo '@@@ ${title}'\n`
    const script = sections.map(({ title, typed }) => `${mark(title)}${typed}`).join('')
    const { host, username, password } = new URL(server)
    const account = password === '' ? username : `${username}:${password}`
    const mine = script.replaceAll('postgres@127.0.0.1:5432', `${account}@${host}`)
    const text = await run(mine)
    for (const part of text.split(/^@@@ /m).slice(1)) outputs.set(part.split('\n', 1)[0] as string, part)
  }, 240_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  function run(script: string): Promise<string> {
    const { SECRET_KEY: _secret, CHECKPOINT_KEY: _key, ...inherited } = process.env
    const env = { ...inherited, TMPDIR: folder, PGCONNECT_TIMEOUT: '5' }
    const child = spawn('bash', ['-c', script], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (text += piece))
    return new Promise((resolve) =>
      child.once('close', (code) => {
        exit = code
        resolve(text)
      }),
    )
  }

  const said = (title: string): string => outputs.get(title) ?? `nothing under '${title}': ${[...outputs.values()]}`

  it('goes through to its end', () => {
    expect(sections.length).toBeGreaterThan(8)
    expect([...outputs.keys()]).toEqual(sections.map(({ title }) => title))
    expect(exit, [...outputs.values()].join('')).toBe(0)
  })

  it('takes a checkpoint of four rows, and finds the log sound, by both verifiers', () => {
    expect(said('A checkpoint, and the key to check it by')).toMatch(/^127\.0\.0\.1:3210\/audit\n4\n/m)
    expect(said('Verify').match(/^sound: /gm)).toHaveLength(2)
    expect(said('Verify')).not.toContain('not pinned')
  })

  it('is refused a change by a trigger, and finds one that was made past it', () => {
    const tampering = said('Tamper as the owner of the database')
    expect(tampering).toContain('append-only')
    expect(tampering).toContain('refused, as it should be')
    expect(tampering).toMatch(/^altered/m)
    expect(tampering).toContain('verify ended with 10')
    expect(tampering.match(/^sound: /gm)).toHaveLength(1)
  })

  it('proves a row by the command and over the API', () => {
    expect(said('Prove one row').match(/^sound: 1 leaf/gm)).toHaveLength(2)
  })

  it('erases a person, and the log and the row are proved as before', () => {
    const erasing = said('Erase a person, and verify again')
    expect(erasing).toContain('countersign-receipt/v1')
    expect(erasing).toMatch(/^address +\| *$/m)
    expect(erasing).toMatch(/^outcome +\| failure$/m)
    expect(erasing.match(/^sound: /gm)).toHaveLength(2)
    expect(erasing).toMatch(/erased/)
  })

  it('finds by a checkpoint alone that the database was put back', () => {
    const back = said('Put the database back to an older state')
    expect(back).toMatch(/^sound: \d+ leaves/m)
    expect(back).toMatch(/^rolled_back/m)
    expect(back).toContain('verify ended with 15')
  })
})
