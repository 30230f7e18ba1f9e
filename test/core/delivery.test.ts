import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AuditSignal, type AuditTrailOptions, createAuditTrail, type LossSignal } from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'
import { type SwitchedSink, switchedSink } from '../support/switched-sink.js'

const closers: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

function spooling(options: Partial<AuditTrailOptions> = {}) {
  const folder = freshFolder()
  const sink = switchedSink()
  const spool = fileSpool({ folder })
  const heard: string[] = []
  const losses: LossSignal[] = []
  const trail = createAuditTrail({ sink, spool, patience: 200, ...options })
  trail.signals.on('*', ({ row }: AuditSignal) => heard.push(`${row.event} ${row.outcome}`))
  trail.signals.on('loss', (loss) => losses.push(loss))
  trail.signals.on('fault', () => undefined)
  closers.push(() => trail.close())
  return { trail, sink, spool, folder, heard, losses }
}

const stored = ({ stored: { rows } }: SwitchedSink): string[] => rows.map(({ event, outcome }) => `${event} ${outcome}`)
const reachable = (trail: { readonly health: { readonly reachable: boolean } }) =>
  vi.waitFor(() => expect(trail.health.reachable).toBe(true), { timeout: 10_000, interval: 20 })

describe('while the store is away', () => {
  it('rows wait in the spool, are announced at once, and reach the store in their order when it is back', async () => {
    const { trail, sink, heard } = spooling()
    sink.state = 'down'
    await trail.record('login', { outcome: 'failure' })
    await trail.record('logout')
    expect(trail.counts).toMatchObject({ lost: 0 })
    expect(trail.health).toMatchObject({ reachable: false, spooling: true })
    expect(heard.filter((name) => !name.startsWith('degradation'))).toEqual(['login failure', 'logout success'])
    expect(sink.stored.rows).toEqual([])
    sink.state = 'up'
    await reachable(trail)
    await trail.settled()
    expect(stored(sink)).toEqual([
      'degradation_start failure',
      'login failure',
      'logout success',
      'degradation_end success',
    ])
    expect(trail.health).toMatchObject({ spooledRows: 0, spooledBytes: 0 })
    expect(heard, 'what is replayed is not announced again').toHaveLength(4)
  })

  it('is said by one row when it begins and one when it ends', async () => {
    const { trail, sink } = spooling()
    sink.state = 'down'
    await trail.record('login')
    await trail.record('login')
    sink.state = 'up'
    await reachable(trail)
    await trail.settled()
    const told = sink.stored.rows.filter(({ event }) => event.startsWith('degradation'))
    expect(told.map(({ event, details }) => ({ event, ...details }))).toMatchObject([
      { event: 'degradation_start', component: 'store', reaction: 'spool', error: 'ECONNREFUSED' },
      { event: 'degradation_end', component: 'store', reaction: 'spool' },
    ])
  })

  it('no attempt asks it again: one writer tries now and then', async () => {
    const { trail, sink } = spooling()
    sink.state = 'down'
    await trail.record('login')
    const before = sink.asked
    await Promise.all(Array.from({ length: 100 }, () => trail.record('login')))
    expect(sink.asked - before).toBeLessThan(10)
    expect(trail.health.spooledRows).toBeGreaterThanOrEqual(101)
  })

  it('an event whose policy is open loses its row, counted and signalled', async () => {
    const { trail, sink, losses } = spooling({ policies: { logout: { unreachable: 'open' } } })
    sink.state = 'down'
    await trail.record('logout')
    expect(losses.map(({ row }) => row.event)).toEqual(['logout'])
    expect(trail.counts.lost).toBe(1)
  })

  it('a loss becomes an event of its own when the store is back', async () => {
    const { trail, sink } = spooling({ policies: { logout: { unreachable: 'open' } } })
    sink.state = 'down'
    await trail.record('logout')
    await trail.record('logout')
    sink.state = 'up'
    await reachable(trail)
    await trail.close()
    closers.pop()
    expect(sink.stored.rows.find(({ event }) => event === 'audit_loss')).toMatchObject({
      outcome: 'failure',
      severity: 'high',
      actor: { type: 'service', id: 'trail' },
      details: { rows: 2, error: 'ECONNREFUSED' },
    })
  })

  it('closing leaves the rows in the spool, and the next trail brings them to the store, once', async () => {
    const { trail, sink, folder } = spooling()
    sink.state = 'down'
    await trail.record('login', { outcome: 'failure' })
    await trail.close()
    closers.pop()
    sink.state = 'up'
    const next = createAuditTrail({ sink, spool: fileSpool({ folder }) })
    await next.settled()
    expect(stored(sink).filter((name) => name.startsWith('login'))).toEqual(['login failure'])
    await next.close()
    const third = createAuditTrail({ sink, spool: fileSpool({ folder }) })
    await third.settled()
    expect(stored(sink).filter((name) => name.startsWith('login'))).toEqual(['login failure'])
    await third.close()
  })
})

describe('a store that does not answer', () => {
  it('holds an attempt for as long as the patience lasts; what arrives late is there once', async () => {
    const { trail, sink } = spooling()
    sink.state = 'silent'
    await trail.record('login', { outcome: 'failure' })
    expect(trail.health).toMatchObject({ reachable: false })
    expect(trail.counts.lost).toBe(0)
    sink.state = 'up'
    await reachable(trail)
    await trail.settled()
    expect(stored(sink).filter((name) => name.startsWith('login'))).toEqual(['login failure'])
  })

  it('costs the row where there is no spool, and holds neither the attempt nor the end of the process', async () => {
    const sink = switchedSink()
    const trail = createAuditTrail({ sink, patience: 50 })
    const losses: LossSignal[] = []
    trail.signals.on('loss', (loss) => losses.push(loss))
    trail.signals.on('fault', () => undefined)
    sink.state = 'silent'
    await trail.record('login')
    expect(losses).toMatchObject([{ cause: { code: 'STORE_SILENT' } }])
    await trail.close()
  })
})

describe('the end of a trail', () => {
  it('does not wait for ever for a store that is silent while the spool is shipped', async () => {
    const { trail, sink, spool, heard } = spooling({ policies: { logout: { delivery: 'deferred' } } })
    sink.state = 'silent'
    await trail.record('logout')
    await trail.close()
    closers.pop()
    expect(heard).toEqual(['logout success'])
    expect(spool.size.rows).toBe(1)
  })
})

describe('a deferred event', () => {
  const policies = { logout: { delivery: 'deferred' } } as const

  it('waits for the disk and not for the store', async () => {
    const { trail, sink, heard } = spooling({ policies })
    sink.state = 'silent'
    await trail.record('logout')
    expect(heard).toEqual(['logout success'])
    expect(trail.health).toMatchObject({ reachable: true, spooledRows: 1 })
    sink.state = 'up'
    await trail.settled()
    expect(stored(sink)).toEqual(['logout success'])
    expect(trail.health.spooledRows).toBe(0)
  })

  it('goes to the store at once where the spool is full', async () => {
    const folder = freshFolder()
    const { trail, sink } = spooling({ policies, spool: fileSpool({ folder, maxBytes: 1 }) })
    await trail.record('logout')
    expect(stored(sink)).toEqual(['logout success'])
    expect(trail.counts).toEqual({ recorded: 1, vetoed: 0, lost: 0 })
    expect(trail.health.spooling).toBe(false)
  })
})

describe('where neither the store nor the spool takes a row', () => {
  it('it is lost, counted and signalled with what the store said', async () => {
    const { trail, sink, losses } = spooling({ spool: fileSpool({ folder: freshFolder(), maxBytes: 1 }) })
    sink.state = 'down'
    await trail.record('login')
    expect(losses.map(({ row }) => row.event).sort()).toEqual(['degradation_start', 'login'])
    expect(trail.counts.recorded).toBe(0)
    expect(trail.health).toMatchObject({ reachable: false, spooling: false })
    sink.state = 'up'
    await trail.record('logout')
    expect(stored(sink), 'the store is asked again where the spool takes nothing').toContain('logout success')
    expect(trail.health.reachable).toBe(true)
  })
})

describe('a row that the store refuses for what is in it', () => {
  it('is set aside, and lost to the store; those around it are stored', async () => {
    const { trail, sink, losses, folder } = spooling()
    sink.state = 'picky'
    await trail.record('login', { outcome: 'failure' })
    await trail.record('login')
    expect(stored(sink)).toEqual(['login success'])
    expect(losses).toMatchObject([{ row: { event: 'login', outcome: 'failure' }, cause: { code: 'ROW_REFUSED' } }])
    expect(trail.health.reachable, 'the store is not at fault').toBe(true)
    const aside = readFileSync(join(folder, 'refused.jsonl'), 'utf8')
    expect(
      aside
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).row.outcome),
    ).toEqual(['failure'])
  })

  it('does not keep back what waits behind it in the spool', async () => {
    const { trail, sink, losses } = spooling()
    sink.state = 'down'
    await trail.record('login')
    await trail.record('login', { outcome: 'failure' })
    await trail.record('logout')
    sink.state = 'picky'
    await reachable(trail)
    await trail.settled()
    expect(stored(sink).filter((name) => !name.startsWith('degradation'))).toEqual(['login success', 'logout success'])
    expect(losses.map(({ row }) => row.outcome)).toEqual(['failure', 'failure'])
    expect(trail.health.spooledRows).toBe(0)
  })
})

describe('what a trail is made of', () => {
  const halfSpool = { append: async () => undefined, next: async () => null, size: { rows: 0, bytes: 0 } }
  it.each([[{}], ['data/spool'], [null], [halfSpool]])('is refused where the spool is none: %j', (spool) => {
    expect(() => createAuditTrail({ sink: switchedSink(), spool: spool as never })).toThrow(/fileSpool/)
  })

  it.each([0, -1, Number.NaN, 2 ** 31, '5'])('is refused where patience is no time: %s', (patience) => {
    expect(() => createAuditTrail({ sink: switchedSink(), patience: patience as never })).toThrow(/milliseconds/)
  })
})
