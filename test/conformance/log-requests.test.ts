import { type LogRequest, sqlExecutor } from '@countersign/adapters/mikro-orm'
import { type AuditError, rowId } from '@countersign/core'
import { noteVerifier, verifyLog } from '@countersign/core/evidence'
import { sampleRow } from '@countersign/core/testing'
import { PgBoss } from 'pg-boss'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  asker,
  ended,
  recorded,
  rowsOfSomebody,
  second,
  type TestRequests,
  testRequests,
} from '../support/audit-requests.js'
import { storeDatabases } from '../support/audit-stores.js'
import { idAt, ownLog } from '../support/logs.js'

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: AuditError) => error.code,
  )

for (const { name, open, here } of storeDatabases) {
  describe.runIf(here)(`requests about the log on ${name}`, () => {
    const log = ownLog(open)
    let own: TestRequests
    const jobsOf = (id: string) => log().execute(`select state from countersign_jobs.job where id = '${id}'`)
    const somebody = { subject: { type: 'user', id: 'u-none' } }
    beforeAll(async () => {
      const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
      await log().sink.write(
        ['2020-01-05T00:00:00Z', daysAgo(60), daysAgo(1)].map((moment) => sampleRow({ id: idAt(moment) })),
      )
      await log().sequencer.catchUp()
      const retention = { days: 400, personalDays: 30, disposal: 'archive' } as const
      own = testRequests(log(), { schedules: { retention } })
      await own.jobs.start()
    })
    afterAll(() => own.close())

    it('are carried out when a second person approves, in the name of who asked', async () => {
      const subject = await rowsOfSomebody(log(), 20)
      const asked = await own.requests.request(asker, 'erasure', { subject })
      expect(asked).toMatchObject({
        state: 'waiting',
        requestedBy: { type: 'user', id: 'admin-1' },
        parameters: { subject },
        decidedBy: null,
        result: null,
      })
      expect(await jobsOf(asked.id)).toEqual([])
      const approved = await own.requests.decide(second, asked.id, 'approve')
      expect(approved).toMatchObject({ state: 'approved', decidedBy: { type: 'user', id: 'admin-2' } })
      const done = await ended(own.requests, asked.id, 'done')
      expect(done).toMatchObject({ result: { rows: 20, held: 0 }, progress: { done: 20, of: 20 }, error: null })
      expect(done.finishedAt).toBeInstanceOf(Date)

      const { items } = await log().reader.find({ event: 'audit_erasure' })
      const { receipt } = done.result as { receipt: string }
      expect(items.filter(({ details }) => (details as { receipt?: string }).receipt === receipt)).toMatchObject([
        {
          outcome: 'success',
          actor: { type: 'service', id: 'audit-jobs' },
          onBehalfOf: { type: 'user', id: 'admin-1' },
        },
      ])
      const known = { request: asked.id, kind: 'erasure' }
      expect(await recorded(log(), 'audit_request', asked.id)).toEqual([
        { outcome: 'success', reason: null, actor: 'admin-1', ...known },
      ])
      expect(await recorded(log(), 'audit_decision', asked.id)).toEqual([
        { outcome: 'success', reason: null, actor: 'admin-2', ...known, decision: 'approve' },
      ])
      const report = await verifyLog(await log().log.open(), { keys: [noteVerifier(log().signer.verifier.text)] })
      expect(report).toMatchObject({ sound: true, findings: [] })
    })

    it('are not decided on by who asked, whatever they call themselves', async () => {
      const { id } = await own.requests.request(asker, 'erasure', somebody)
      const renamed = { ...asker, label: 'Somebody else' }
      expect(await codeOf(own.requests.decide(renamed, id, 'approve'))).toBe('REQUEST_OWN')
      expect(await codeOf(own.requests.decide(renamed, id, 'refuse'))).toBe('REQUEST_OWN')
      expect(await codeOf(own.requests.decide({ type: 'service', id: 'script' }, id, 'approve'))).toBe(
        'REQUEST_INVALID',
      )
      expect(await codeOf(own.requests.decide({ type: 'user' }, id, 'approve'))).toBe('REQUEST_INVALID')
      expect(await own.requests.get(id)).toMatchObject({ state: 'waiting' })
      expect(await recorded(log(), 'audit_decision', id)).toMatchObject([
        { outcome: 'denied', reason: 'forbidden', actor: 'admin-1', decision: 'approve' },
        { outcome: 'denied', reason: 'forbidden', actor: 'admin-1', decision: 'refuse' },
        { outcome: 'failure', reason: 'validation_failed', actor: 'script' },
        { outcome: 'failure', reason: 'validation_failed' },
      ])
    })

    it('are decided on once, however many do at once', async () => {
      const { id } = await own.requests.request(asker, 'erasure', somebody)
      const codes = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          codeOf(own.requests.decide({ type: 'user', id: `admin-${index + 2}` }, id, 'approve')),
        ),
      )
      expect(codes.sort()).toEqual([...Array(19).fill('REQUEST_DECIDED'), 'none'].sort())
      expect(await jobsOf(id)).toHaveLength(1)
      const rows = (await recorded(log(), 'audit_decision', id)) as Array<{ outcome: string; reason: string }>
      expect(rows.map(({ outcome, reason }) => reason ?? outcome).sort()).toEqual([
        ...Array(19).fill('conflict'),
        'success',
      ])
    })

    it('never run once they are refused', async () => {
      const { id } = await own.requests.request(asker, 'retention', {
        before: '2020-01-01T00:00:00Z',
        disposal: 'drop',
      })
      expect(await own.requests.decide(second, id, 'refuse')).toMatchObject({ state: 'refused' })
      expect(await codeOf(own.requests.decide(second, id, 'approve'))).toBe('REQUEST_DECIDED')
      expect(await jobsOf(id)).toEqual([])
      expect(await own.requests.run(id, log().operations)).toBeNull()
      expect(await own.requests.get(id)).toMatchObject({ state: 'refused', decidedBy: { id: 'admin-2' }, result: null })
    })

    it('need no approval where nothing is destroyed, or where none is asked for', async () => {
      const verification = await own.requests.request(asker, 'verification', {})
      expect(verification).toMatchObject({ state: 'approved', decidedBy: null })
      await own.jobs.enqueue(verification.id)
      expect(await jobsOf(verification.id)).toHaveLength(1)
      const hold = await log().operations.placeHold(asker, {
        label: 'case 7',
        from: new Date('2020-01-01'),
        to: new Date('2020-02-01'),
      })
      const alone = testRequests(log(), { approval: false, enqueue: own.jobs.enqueue.bind(own.jobs) })
      const released = await alone.requests.request(asker, 'hold_release', { hold: hold.id })
      expect(released.state).toBe('approved')
      await ended(own.requests, released.id, 'done')
      expect(await log().operations.holds()).toMatchObject([{ id: hold.id, releasedBy: 'admin-1' }])
      const { result, progress } = await ended(own.requests, verification.id, 'done')
      expect(result).toMatchObject({ sound: true, findings: [] })
      expect(progress?.done).toBe(progress?.of)
      await alone.close()
    })

    it.each<[string, string, object]>([
      ['an unknown kind', 'everything', {}],
      ['a person without an id', 'erasure', { subject: { type: 'user' } }],
      ['a person whom no database can name', 'erasure', { subject: { type: 'user', id: '7\u0000' } }],
      ['half a character', 'erasure', { subject: { type: 'user', id: '\ud800' } }],
      ['a typed identifier', 'erasure', { ...somebody, identifiers: ['ada@example.org'] }],
      ['a moment to come', 'personal_horizon', { before: '2999-01-01T00:00:00Z' }],
      ['a moment without a zone', 'personal_horizon', { before: '2020-01-01T00:00:00' }],
      ['no disposal', 'retention', { before: '2020-01-01T00:00:00Z' }],
      ['a parameter too many', 'verification', { force: true }],
      ['no id of a hold', 'hold_release', { hold: "' or true" }],
    ])('are refused with %s, and that is recorded', async (_, kind, parameters) => {
      const before = (await own.requests.list({ limit: 500 })).items.length
      const error = await own.requests
        .request(asker, kind as 'erasure', parameters as typeof somebody)
        .catch((cause) => cause)
      expect(error).toMatchObject({ code: 'REQUEST_INVALID' })
      expect(error.message).not.toContain('ada@')
      expect((await own.requests.list({ limit: 500 })).items).toHaveLength(before)
      const [row] = (await log().reader.find({ event: 'audit_request', limit: 1 })).items
      expect(row).toMatchObject({ outcome: 'failure', reason: 'validation_failed', actor: { id: 'admin-1' } })
      expect(row?.details).toEqual(kind === 'everything' ? {} : { kind })
    })

    it('are listed newest first, page by page', async () => {
      const all = (await own.requests.list({ limit: 500 })).items
      const pages: LogRequest[] = []
      for (let cursor: string | undefined; ; ) {
        const { items, nextCursor } = await own.requests.list({ limit: 2, ...(cursor && { cursor }) })
        pages.push(...items)
        if (nextCursor === null) break
        cursor = nextCursor
      }
      expect(pages).toEqual(all)
      expect(all.map(({ id }) => id)).toEqual(
        all
          .map(({ id }) => id)
          .sort()
          .reverse(),
      )
      expect((await own.requests.list({ state: 'waiting' })).items.every(({ state }) => state === 'waiting')).toBe(true)
      expect(await codeOf(own.requests.list({ cursor: 'x' }))).toBe('CURSOR_INVALID')
      expect(await codeOf(own.requests.list({ limit: 0 }))).toBe('QUERY_INVALID')
      expect(await own.requests.get('x')).toBeNull()
    })

    it('are neither asked for nor queued where the transaction is rolled back', async () => {
      const broken = testRequests(log(), {
        approval: false,
        async enqueue(id, transaction, alone) {
          await own.jobs.enqueue(id, transaction, alone)
          tried.push(id)
          throw new Error('after the job was sent')
        },
      })
      const tried: string[] = []
      await expect(broken.requests.request(asker, 'erasure', somebody)).rejects.toThrow('after the job was sent')
      expect(await own.requests.get(tried[0] as string)).toBeNull()
      expect(await jobsOf(tried[0] as string)).toEqual([])

      const { id } = await own.requests.request(asker, 'erasure', somebody)
      await expect(broken.requests.decide(second, id, 'approve')).rejects.toThrow('after the job was sent')
      expect(await own.requests.get(id)).toMatchObject({ state: 'waiting', decidedBy: null })
      expect(await jobsOf(id)).toEqual([])
      await broken.close()
    })

    describe('while they run', () => {
      let mine: TestRequests
      beforeAll(() => {
        mine = testRequests(log(), { approval: false, enqueue: async () => undefined })
      })
      afterAll(() => mine.close())

      it('say how far they are', async () => {
        const subject = await rowsOfSomebody(log(), 1200)
        const { id } = await mine.requests.request(asker, 'erasure', { subject })
        const seen: unknown[] = []
        await mine.requests.run(id, {
          ...log().operations,
          erase: (by, scope, onProgress) =>
            log().operations.erase(by, scope, async (done, of) => {
              await onProgress?.(done, of)
              const { state, progress } = (await mine.requests.get(id)) as LogRequest
              seen.push({ state, progress })
            }),
        })
        expect(seen[0]).toEqual({ state: 'running', progress: { done: 500, of: 1200 } })
        expect(seen.at(-1)).toEqual({ state: 'running', progress: { done: 1200, of: 1200 } })
        expect(await mine.requests.get(id)).toMatchObject({ state: 'done', result: { rows: 1200 } })
      })

      it('are one worker’s, until a later try takes over; what the earlier one finds no longer counts', async () => {
        const subject = await rowsOfSomebody(log(), 700)
        const { id } = await mine.requests.request(asker, 'erasure', { subject })
        let second: LogRequest | null = null
        const first = await mine.requests.run(
          id,
          {
            ...log().operations,
            erase: (by, scope, onProgress) =>
              log().operations.erase(by, scope, async (done, of) => {
                expect(await mine.requests.run(id, log().operations, { attempt: 0, of: 5 })).toBeNull()
                second ??= await mine.requests.run(id, log().operations, { attempt: 1, of: 5 })
                await onProgress?.(done, of)
              }),
          },
          { attempt: 0, of: 5 },
        )
        expect(second).toMatchObject({ state: 'done', result: { rows: 200 } })
        expect(first).toBeNull()
        expect(await mine.requests.get(id)).toEqual(second)
      })

      it('wait for their next try where one fails, and give up after the last', async () => {
        const { id } = await mine.requests.request(asker, 'erasure', somebody)
        const away = Object.assign(new Error("Key (email)=('ada@example.org')"), { code: '57P01' })
        const failing = { ...log().operations, erase: () => Promise.reject(away) }
        await expect(mine.requests.run(id, failing, { attempt: 0, of: 2 })).rejects.toBe(away)
        expect(await mine.requests.get(id)).toMatchObject({ state: 'approved', error: '57P01', finishedAt: null })
        expect(await mine.requests.run(id, failing, { attempt: 0, of: 2 })).toBeNull()
        expect(await mine.requests.run(id, failing, { attempt: 1, of: 2 })).toMatchObject({
          state: 'failed',
          error: '57P01',
        })
        expect(await mine.requests.run(id, log().operations, { attempt: 2, of: 3 })).toBeNull()
      })

      it('that can’t succeed fail at once, and say why by a code alone', async () => {
        const { id } = await mine.requests.request(asker, 'hold_release', { hold: rowId() })
        expect(await mine.requests.run(id, log().operations, { attempt: 0, of: 5 })).toMatchObject({
          state: 'failed',
          error: 'HOLD_INVALID',
          result: null,
        })
      })

      it('release a hold once, where an earlier try died right after it', async () => {
        const range = { from: new Date('2020-01-01'), to: new Date('2020-02-01') }
        const hold = await log().operations.placeHold(asker, { label: 'case 8', ...range })
        const { id } = await mine.requests.request(asker, 'hold_release', { hold: hold.id })
        void mine.requests.run(
          id,
          {
            ...log().operations,
            async releaseHold(...given) {
              await log().operations.releaseHold(...given)
              return new Promise(() => undefined)
            },
          },
          { attempt: 0, of: 5 },
        )
        await expect.poll(async () => (await log().operations.holds()).at(-1)?.releasedAt).toBeInstanceOf(Date)
        const again = await mine.requests.run(id, log().operations, { attempt: 1, of: 5 })
        expect(again).toMatchObject({ state: 'done', result: { hold: hold.id } })
      })

      it('are given up where their workers died at every try', async () => {
        const { id } = await mine.requests.request(asker, 'erasure', somebody)
        void mine.requests.run(
          id,
          { ...log().operations, erase: () => new Promise(() => undefined) },
          { attempt: 0, of: 1 },
        )
        await ended(mine.requests, id, 'running')
        expect(await mine.requests.run(id, log().operations, { attempt: 1, of: 1 })).toMatchObject({
          state: 'failed',
          error: 'abandoned',
        })
      })

      it('break off when they are told to, and are lawful so far', async () => {
        const subject = await rowsOfSomebody(log(), 600)
        const { id } = await mine.requests.request(asker, 'erasure', { subject })
        const stop = new AbortController()
        const onProgress = () => stop.abort()
        await expect(
          mine.requests.run(id, log().operations, { attempt: 0, of: 5, signal: stop.signal, onProgress }),
        ).rejects.toThrow('abort')
        expect(await mine.requests.get(id)).toMatchObject({ state: 'approved', error: 'aborted' })
        expect(await mine.requests.run(id, log().operations, { attempt: 1, of: 5 })).toMatchObject({
          state: 'done',
          result: { rows: 100 },
          error: null,
        })
        expect(await verifyLog(await log().log.open())).toMatchObject({ sound: true })
      })
    })

    it('are made by the schedule, as the policy says: personal fields first, then the months', async () => {
      const [schedule] = await log().execute('select key, cron, timezone, data, options from countersign_jobs.schedule')
      expect(schedule).toMatchObject({ key: 'audit_retention', cron: '17 3 * * *', timezone: 'UTC' })
      // As the clock would have it done at that time.
      const database = sqlExecutor(log().database.orm)
      await new PgBoss({ db: database, schema: 'countersign_jobs' }).send(
        'audit_request',
        schedule.data,
        schedule.options,
      )
      const bySchedule = async () =>
        (await own.requests.list({ limit: 500 })).items.filter(({ requestedBy }) => requestedBy.type === 'service')
      await expect.poll(async () => (await bySchedule()).map(({ state }) => state)).toEqual(['done', 'done'])
      const [retention, horizon] = await bySchedule()
      expect(horizon).toMatchObject({ kind: 'personal_horizon', result: { rows: 2, held: 0 }, decidedBy: null })
      expect(retention).toMatchObject({
        kind: 'retention',
        parameters: { disposal: 'archive' },
        result: { rows: 1, months: [{ partition: 'audit_event_2020_01', rows: 1, kept: null }] },
        requestedBy: { type: 'service', id: 'audit-jobs' },
        decidedBy: null,
      })
      const [month] = retention?.kind === 'retention' ? (retention.result?.months ?? []) : []
      expect(await log().execute(`select kind from audit_receipt where id = '${month?.receipt}'`)).toEqual([
        { kind: 'retention' },
      ])
      const [archive] = await log().execute(
        "select relname from pg_class where relname like 'audit_archive_2020_01_%' and relkind = 'r'",
      )
      const erased = `select erased_at is not null as erased from ${archive.relname}`
      expect(await log().execute(erased)).toEqual([{ erased: true }])
      const { items } = await log().reader.find({ event: 'audit_prune' })
      expect(items).toMatchObject([{ actor: { id: 'audit-jobs' }, onBehalfOf: null, details: { rows: 1 } }])
      expect(await verifyLog(await log().log.open())).toMatchObject({ sound: true, lawfullyRemoved: 1 })
      expect(own.faults).toEqual([])
      await database.close()
    })
  })
}
