import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { logSequencer } from '@countersign/adapters/mikro-orm'
import {
  contentOf,
  factsOf,
  fileAnchor,
  type LogLeaf,
  newSigningKey,
  noteSigner,
  noteVerifier,
  personalDigest,
  type VerifyReport,
  verifyLog,
} from '@countersign/core/evidence'
import { sampleRow } from '@countersign/core/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { storeDatabases } from '../support/audit-stores.js'
import { damages } from '../support/bundle-damage.js'
import { bundleOf, idAt, once, origin, ownLog, type TestLog, verifyBundleText } from '../support/logs.js'
import { seededRandom } from '../support/seeded-random.js'
import { type Tamperable, type Tampering, tamperings } from '../support/tampering.js'

const seed = Number(process.env.TAMPER_SEED ?? Date.now() % 1_000_000)
const perKind = Number(process.env.TAMPER_ROUNDS ?? 10)

/** The verifier of one file, which shares no line with the others. */
interface OneFile {
  verifyBundle(chunks: AsyncIterable<Uint8Array>, options?: object): Promise<VerifyReport>
}
const oneFile: OneFile = await import(new URL('../../packages/console/verify/verify-bundle.mjs', import.meta.url).href)

const kindsOf = ({ counts }: VerifyReport): string[] => Object.keys(counts).sort()
const admin = { type: 'user', id: 'admin-1' } as const
const anchorFolder = await mkdtemp(join(tmpdir(), 'countersign-anchor-'))
afterAll(() => rm(anchorFolder, { recursive: true, force: true }))

const tables = [
  'audit_event',
  'audit_leaf',
  'audit_node',
  'audit_checkpoint',
  'audit_receipt',
  'audit_erased',
  'audit_log_state',
]

/** What statements run under: past every trigger, and without waiting for a disk that nobody pulls the plug of. */
const owners = ["set local session_replication_role = 'replica'", 'set local synchronous_commit = off']

for (const { name, open, here } of storeDatabases) {
  describe.runIf(here)(`tampering as the owner of the database, on ${name} (TAMPER_SEED=${seed})`, () => {
    const first = noteSigner(newSigningKey(origin))
    const next = noteSigner(newSigningKey(origin))
    const own = ownLog(open, [], first)
    const keys = [noteVerifier(first.verifier.text)]
    let log: Tamperable
    let sound: string
    /** Tables that are not as they were kept. */
    const changed = new Set<string>()

    /** What only an owner can do: statements past every trigger. */
    async function asOwner(statements: readonly string[]): Promise<void> {
      const connection = own().database.orm.em.getDriver().getConnection()
      await connection.transactional(async (transaction) => {
        for (const statement of [...owners, ...statements]) await connection.execute(statement, [], 'run', transaction)
      })
      for (const table of tables) if (statements.some((statement) => statement.includes(table))) changed.add(table)
    }
    async function restore(): Promise<void> {
      const kept = [...changed]
      await asOwner(
        kept.flatMap((table) => [`delete from ${table}`, `insert into ${table} select * from kept_${table}`]),
      )
      changed.clear()
    }

    async function rolled(batches: number, signer = first): Promise<void> {
      const sequencer = logSequencer(own().database.orm, { signer })
      for (let batch = 0; batch < batches; batch++) {
        const actor = { type: 'user', id: `u-${batch % 4}`, label: 'Somebody' } as const
        await own().sink.write(Array.from({ length: 1 + ((batch * 11) % 29) }, () => sampleRow({ actor })))
        await sequencer.catchUp()
      }
      await sequencer.stop()
    }

    beforeAll(async () => {
      const { sink, sequencer, operations } = own()
      await sink.write([idAt('2024-01-05T00:00:00Z'), idAt('2024-01-06T00:00:00Z')].map((id) => sampleRow({ id })))
      await rolled(10)
      await operations.prune(admin, new Date('2024-02-01T00:00:00Z'))
      await operations.erase(admin, { subject: { type: 'user', id: 'u-3' } })
      await sequencer.catchUp()
      await operations.rotateKey(admin, next)
      await rolled(10, next)
      for (const table of tables) await own().execute(`create table kept_${table} as select * from ${table}`)
      log = await tamperable(own())
      sound = await bundleOf(own().log)
    }, 120_000)

    afterEach(restore)

    const reports = async (anchors: readonly string[] = []): Promise<Record<string, VerifyReport>> => {
      const text = await bundleOf(own().log)
      return {
        database: await verifyLog(await own().log.open(), { keys, anchors }),
        bundle: await verifyBundleText(text, { keys, anchors }),
        'one file': await oneFile.verifyBundle(once(Buffer.from(text)), {
          keys: keys.map((key) => key.text),
          anchors,
        }),
      }
    }

    it('a sound log is accused by none of the three', async () => {
      // So many have a node of the tree stored.
      expect(log.leaves).toBeGreaterThan(256)
      for (const [verifier, report] of Object.entries(await reports()))
        expect(report, verifier).toMatchObject({
          sound: true,
          findings: [],
          leaves: log.leaves,
          lawfullyRemoved: 2,
          lawfullyErased: log.erased.length,
          keys: [first.verifier.text, next.verifier.text],
          pinned: true,
        })
    })

    for (const { name: kind, make } of tamperings) {
      it(`${kind}: is found and named by all three`, async () => {
        const random = seededRandom(seed + kind.length)
        for (let round = 0; round < perKind; round++) {
          const tampering = make(log, random)
          await asOwner(await statementsOf(tampering))
          const found = await reports()
          for (const [verifier, report] of Object.entries(found)) {
            // What proofs are read from is no part of a bundle.
            if (kind === 'a node of the tree' && verifier !== 'database') continue
            expect(kindsOf(report), `${verifier}: ${tampering.what}`).toEqual([...tampering.named].sort())
          }
          await restore()
        }
      }, 120_000)
    }

    async function statementsOf({ statements }: Tampering): Promise<string[]> {
      const last = statements.at(-1) ?? ''
      if (!last.includes(':content')) return [...statements]
      await asOwner(statements.slice(0, -1))
      const index = Number(/leaf_index = (\d+)/.exec(last)?.[1])
      const leaf = await leafAt(own(), index)
      const content = contentOf(
        index,
        personalDigest(leaf.row as never, leaf.salt as Uint8Array),
        factsOf(leaf.row as never),
      )
      return [last.replace(':content', `decode('${Buffer.from(content, 'latin1').toString('hex')}', 'hex')`)]
    }

    it('a log that was put back to an older state is found by an anchor alone, also when it went on from there', async () => {
      const anchor = fileAnchor({ path: join(anchorFolder, name) })
      for (const size of log.checkpoints.slice(-3)) {
        const [{ note }] = await own().execute(`select note from audit_checkpoint where tree_size = ${size}`)
        await anchor.publish({ origin, size, note, consistencyProof: () => Promise.reject(new Error('not asked')) })
      }
      const anchors = await anchor.read()
      expect(anchors).toHaveLength(3)
      for (const report of Object.values(await reports(anchors)))
        expect(report).toMatchObject({ sound: true, anchors: 3 })
      const random = seededRandom(seed)
      for (let round = 0; round < perKind; round++) {
        const size = log.checkpoints[15 + random(log.checkpoints.length - 17)] as number
        await asOwner([
          `delete from audit_event where id in (select row_id from audit_leaf where leaf_index >= ${size})`,
          `delete from audit_leaf where leaf_index >= ${size}`,
          `delete from audit_checkpoint where tree_size > ${size}`,
        ])
        for (const report of Object.values(await reports())) expect(report.sound).toBe(true)
        for (const report of Object.values(await reports(anchors))) expect(kindsOf(report)).toEqual(['rolled_back'])
        await restore()
      }
    }, 60_000)

    for (const { name: kind, make } of damages) {
      it(`a bundle, ${kind}: is found and named by both`, async () => {
        const random = seededRandom(seed + kind.length)
        for (let round = 0; round < perKind * 2; round++) {
          const { what, bytes, named } = make(sound, random)
          const found = [
            await verifyBundleText(bytes, { keys }),
            await oneFile.verifyBundle(once(bytes), { keys: keys.map((key) => key.text) }),
          ]
          const [kinds, others] = found.map(kindsOf)
          expect(kinds, what).toEqual(others)
          expect(found[0]?.sound, what).toBe(false)
          expect(named.flat().sort(), `${what}: ${kinds}`).toEqual(expect.arrayContaining(kinds ?? []))
        }
      }, 120_000)
    }
  })
}

it('the verifier of one file is there', () => {
  expect(existsSync(new URL('../../packages/console/verify/verify-bundle.mjs', import.meta.url))).toBe(true)
})

async function leafAt({ log }: TestLog, index: number): Promise<LogLeaf> {
  const source = await log.open({ from: index, to: index + 1 })
  for await (const records of source.records()) for (const record of records) if ('leaf' in record) return record.leaf
  throw new Error(`no leaf ${index}`)
}

async function tamperable({ execute }: TestLog): Promise<Tamperable> {
  const rows = await execute(
    `select e.id, l.leaf_index::int as leaf, e.tableoid::regclass::text as month from audit_event e
    join audit_leaf l on l.row_id = e.id where e.erased_at is null order by l.leaf_index`,
  )
  const erased = await execute('select id from audit_event where erased_at is not null order by id')
  const [{ leaves }] = await execute('select count(*)::int as leaves from audit_leaf')
  const checkpoints = await execute('select tree_size::int as size from audit_checkpoint order by tree_size')
  return { rows, erased: erased.map(({ id }) => id), leaves, checkpoints: checkpoints.map(({ size }) => size) }
}
