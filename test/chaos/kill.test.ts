import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { emptyPostgres, postgresAvailable } from '../support/databases.js'
import { freshFolder } from '../support/fresh-folder.js'
import { migratedPgliteIn } from '../support/pglite-clusters.js'
import { planOf } from './kill-plan.js'
import { type Backend, KillRounds } from './kill-rounds.js'
import { wrongsIn } from './server-check.js'

const { CHAOS_ROUNDS, CHAOS_SEED } = process.env
const rounds = Number(CHAOS_ROUNDS ?? 3)
// The same plans each time, but where many are asked for: those are new ones, unless their seed is given.
// The usual three have some of everything that a plan can hold.
const seed = Number(CHAOS_SEED ?? (CHAOS_ROUNDS === undefined ? 70 : Date.now() % 1_000_000))
console.log(`CHAOS_SEED=${seed}`)

interface OpenedBackend {
  readonly backend: Backend
  readonly mostProcesses: number
  close(): Promise<void>
}

async function onPglite(): Promise<OpenedBackend> {
  const folder = freshFolder()
  await migratedPgliteIn('store', folder)
  const backend: Backend = {
    database: { folder },
    independent: false,
    away: (server) => server.store('away'),
    back: (server) => server.store('back'),
  }
  return { backend, mostProcesses: 1, close: async () => undefined }
}

async function onPostgres(): Promise<OpenedBackend> {
  const { url, shut, open, drop } = await emptyPostgres()
  return { backend: { database: { url }, independent: true, away: shut, back: open }, mostProcesses: 2, close: drop }
}

for (const { name, open, here } of [
  { name: 'PGlite', open: onPglite, here: true },
  { name: 'PostgreSQL', open: onPostgres, here: await postgresAvailable() },
]) {
  describe.runIf(here)(`servers on ${name} that are killed`, () => {
    let opened: OpenedBackend
    let servers: KillRounds | undefined
    beforeAll(async () => {
      opened = await open()
    })
    afterEach(() => servers?.end())
    afterAll(() => opened.close())

    it('keep every acknowledged row, once, and no change without its row', {
      timeout: 120_000 + rounds * 60_000,
    }, async () => {
      const { backend, mostProcesses } = opened
      servers = await KillRounds.begin(backend, join(freshFolder(), 'spool'))
      const sums = { sent: 0, acknowledged: 0, changes: 0, found: 0, torn: 0 }
      for (let round = 0; round < rounds; round++) {
        const plan = planOf(seed, round, mostProcesses)
        const { wrongs, ...counts } = await servers.run(plan)
        expect(wrongs, JSON.stringify(plan)).toEqual([])
        for (const [name, count] of Object.entries(counts)) sums[name as keyof typeof sums] += count
      }
      expect(await servers.total()).toEqual([])
      console.log(`${name}: ${JSON.stringify(sums)}`)
    })
  })
}

it('the rounds find what a server loses that acknowledges before it writes', { timeout: 600_000 }, async () => {
  const { backend } = await onPglite()
  const servers = await KillRounds.begin(backend, join(freshFolder(), 'spool'), true)
  const usual = { awayAfter: null, askedBefore: null, tears: false, falseStarts: [] }
  const plan = { ...planOf(1, 0, 1), ...usual, killAfter: 50 }
  const { wrongs } = await servers.run(plan).finally(() => servers.end())
  expect(wrongs.filter((wrong) => wrong.includes('/login/right 200: lost: login success')).length).toBeGreaterThan(3)
})

it('the check names what is lost, doubled, another one, of nobody, and a change or a row alone', () => {
  const attempts = [
    { id: 'kept', path: '/login/right', status: 200 },
    { id: 'gone', path: '/login/right', status: 200 },
    { id: 'cut', path: '/login/right', status: null },
    { id: 'twice', path: '/login/right', status: null },
    { id: 'other', path: '/login/wrong', status: 401 },
    { id: 'changed', path: '/profile/kept', status: null },
    { id: 'unchanged', path: '/profile/kept', status: 200 },
    { id: 'status', path: '/export', status: 500 },
  ]
  const rows = [
    ['kept', 'login success'],
    ['twice', 'login success'],
    ['twice', 'login success'],
    ['other', 'login success'],
    ['unchanged', 'profile_update success'],
    ['nobody', 'login success'],
  ] as const
  expect(wrongsIn(attempts, { rows, changes: ['changed', 'nothing'] })).toEqual([
    'gone /login/right 200: lost: login success',
    'twice /login/right unanswered: doubled: login success',
    'other /login/wrong 401: lost: login failure',
    'other /login/wrong 401: not promised: login success',
    'changed /profile/kept unanswered: a change without its success row',
    'unchanged /profile/kept 200: no change for its success row',
    'status /export 500: a status that it never has',
    'nobody: login success of a request that nobody sent',
    'nothing: a change of a request that nobody sent',
  ])
})
