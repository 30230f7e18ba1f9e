import {
  type AuditRow,
  type AuditSink,
  createAuditTrail,
  type FanOutOptions,
  fanOutSink,
  memorySink,
} from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { describe, expect, it } from 'vitest'
import { codeOf, nextTurn, sleep, thrownBy, warningsDuring } from '../support/recording.js'

const sinkThat = (name: string, write: AuditSink['write']): AuditSink => ({ name, write })
const away = (name: string): AuditSink => sinkThat(name, () => Promise.reject(new Error(`${name} is away`)))
const throwing = (name: string): AuditSink =>
  sinkThat(name, () => {
    throw new Error(`${name} is broken`)
  })
const hanging = (name: string): AuditSink => sinkThat(name, () => new Promise(() => undefined))

/** A fan-out whose one sink works, and what it reports of its copies. */
function withCopies(copies: readonly AuditSink[], options: Partial<FanOutOptions> = {}) {
  const failures: Array<{ sink: string; rows: readonly AuditRow[]; cause: unknown }> = []
  const memory = memorySink()
  const sink = fanOutSink({
    sinks: [memory],
    copies,
    onCopyFailed: ({ name }, rows, cause) => failures.push({ sink: name, rows, cause }),
    ...options,
  })
  return { sink, memory, failures }
}

describe('fanOutSink', () => {
  it('writes every row to every sink and every copy', async () => {
    const [a, b, c] = [memorySink(), memorySink(), memorySink()]
    const rows = [sampleRow(), sampleRow()]
    await fanOutSink({ sinks: [a, b], copies: [c] }).write(rows)
    for (const { rows: written } of [a, b, c]) expect(written).toEqual(rows)
  })

  it('is done when the slowest of its sinks is', async () => {
    let done = false
    const slow = sinkThat('slow', async () => {
      await sleep(20)
      done = true
    })
    await fanOutSink({ sinks: [memorySink(), slow] }).write([sampleRow()])
    expect(done).toBe(true)
  })

  it.each([away, throwing])('tries all, and names the one that failed, with its error', async (failing) => {
    const [before, after] = [memorySink(), memorySink()]
    const sink = fanOutSink({ sinks: [before, failing('archive'), after] })
    expect(await thrownBy(() => sink.write([sampleRow()]))).toMatchObject({
      code: 'SINK_FAILED',
      message: '1 of 3 sinks could not store the rows: archive.',
      cause: { message: expect.stringMatching(/^archive is/) },
    })
    expect([before.rows.length, after.rows.length]).toEqual([1, 1])
  })

  it('names all that failed, with all their errors', async () => {
    const sink = fanOutSink({ sinks: [away('one'), memorySink(), throwing('two')] })
    const error = (await thrownBy(() => sink.write([sampleRow()]))) as Error
    expect(error.message).toContain('one, two')
    expect((error.cause as AggregateError).errors.map(({ message }) => message)).toEqual([
      'one is away',
      'two is broken',
    ])
  })

  it('makes a loss of a row that one sink has not got, and the same row can be written again', async () => {
    const memory = memorySink()
    let works = false
    const flaky = sinkThat('flaky', async () => {
      if (!works) throw new Error('not yet')
    })
    const sink = fanOutSink({ sinks: [memory, flaky] })
    const trail = createAuditTrail({ sink })
    const lost: AuditRow[] = []
    trail.signals.on('fault', () => undefined)
    trail.signals.on('loss', ({ row }) => lost.push(row))
    await trail.record('login')
    expect(trail.counts).toMatchObject({ recorded: 0, lost: 1 })
    works = true
    await sink.write(lost)
    expect(memory.rows).toEqual(lost)
  })

  it('waits for the caller if any of its sinks does, whatever the others do', () => {
    const waiting = (answer: () => boolean): AuditSink => ({ ...away('x'), waitsForCaller: answer })
    const failing = waiting(() => {
      throw new Error('x')
    })
    const answer = (...sinks: AuditSink[]) => fanOutSink({ sinks, copies: [waiting(() => true)] }).waitsForCaller?.()
    expect(
      answer(
        memorySink(),
        waiting(() => false),
      ),
    ).toBe(false)
    expect(
      answer(
        memorySink(),
        waiting(() => true),
      ),
    ).toBe(true)
    expect(
      answer(
        failing,
        waiting(() => true),
      ),
    ).toBe(true)
    expect(() =>
      answer(
        failing,
        waiting(() => false),
      ),
    ).toThrow('x')
  })

  it.each([
    undefined,
    {},
    { sinks: [] },
    { sinks: memorySink() },
    { sinks: [undefined] },
    { sinks: [memorySink(), {}] },
    { sinks: [memorySink()], copies: [null] },
    { sinks: [memorySink()], copies: memorySink() },
  ])('is refused what is no list of sinks, when it is made: %o', (options) => {
    expect(codeOf(() => fanOutSink(options as never))).toBe('SINK_INVALID')
  })

  it.each([{ maxWaiting: 0 }, { maxWaiting: Number.POSITIVE_INFINITY }, { copyTimeout: 0 }, { copyTimeout: 2 ** 31 }])(
    'is refused a bound that is none: %o',
    (bound) => {
      expect(codeOf(() => fanOutSink({ sinks: [memorySink()], ...bound }))).toBe('SETTING_INVALID')
    },
  )
})

describe('a copy', () => {
  it.each([away, throwing, hanging])('never fails the write and is never waited for', async (failing) => {
    const { sink, memory } = withCopies([failing('copy'), failing('other')])
    const row = sampleRow()
    await sink.write([row])
    expect(memory.rows).toEqual([row])
  })

  it.each([away, throwing])('that fails is reported, with its rows and its error', async (failing) => {
    const { sink, failures } = withCopies([failing('copy'), memorySink()])
    const row = sampleRow()
    await sink.write([row])
    await nextTurn()
    expect(failures).toEqual([{ sink: 'copy', rows: [row], cause: expect.any(Error) }])
  })

  it('that hangs is reported once, when its time is over', async () => {
    const { sink, failures } = withCopies([hanging('copy')], { copyTimeout: 300 })
    const row = sampleRow()
    await sink.write([row])
    await nextTurn()
    expect(failures).toEqual([])
    await expect.poll(() => failures.length).toBe(1)
    expect(failures).toEqual([{ sink: 'copy', rows: [row], cause: expect.objectContaining({ code: 'COPY_FAILED' }) }])
  })

  it('that fails after its time was over is not reported twice', async () => {
    const writing = Promise.withResolvers<void>()
    const { sink, failures } = withCopies([sinkThat('late', () => writing.promise)], { copyTimeout: 10 })
    await sink.write([sampleRow()])
    await expect.poll(() => failures.length).toBe(1)
    writing.reject(new Error('too late'))
    await nextTurn()
    expect(failures).toHaveLength(1)
  })

  it('gets the row also when a sink fails', async () => {
    const copy = memorySink()
    await thrownBy(() => fanOutSink({ sinks: [throwing('x')], copies: [copy] }).write([sampleRow()]))
    expect(copy.rows).toHaveLength(1)
  })

  it('that hangs holds a bounded number of rows: more are dropped and reported', async () => {
    let held = 0
    const copy = sinkThat('copy', (rows) => {
      held += rows.length
      return new Promise(() => undefined)
    })
    const { sink, memory, failures } = withCopies([copy], { maxWaiting: 10 })
    for (let attempt = 0; attempt < 25; attempt++) await sink.write([sampleRow()])
    expect(memory.rows).toHaveLength(25)
    expect(held).toBe(10)
    expect(failures).toHaveLength(15)
    expect(failures[0]?.cause).toMatchObject({ code: 'SINK_OVERLOADED' })
  })

  it('gets rows again when it has caught up', async () => {
    const held: Array<() => void> = []
    const copy = sinkThat('copy', () => new Promise<void>((resolve) => held.push(resolve)))
    const { sink, failures } = withCopies([copy], { maxWaiting: 1 })
    await sink.write([sampleRow()])
    await sink.write([sampleRow()])
    expect([held.length, failures.length]).toEqual([1, 1])
    held[0]?.()
    await nextTurn()
    await sink.write([sampleRow()])
    expect([held.length, failures.length]).toEqual([2, 1])
  })

  it('that nobody is told of is warned of, once until it works again', async () => {
    let works = false
    const copy = sinkThat('copy', async () => {
      if (!works) throw new Error('away')
    })
    const sink = fanOutSink({ sinks: [memorySink()], copies: [copy] })
    const write = async () => {
      await sink.write([sampleRow()])
      await nextTurn()
    }
    const warned = { code: 'COPY_FAILED', message: expect.stringMatching(/The copy to copy failed.*\(away\)/) }
    expect(await warningsDuring(() => write().then(write))).toEqual([warned])
    works = true
    expect(await warningsDuring(write)).toEqual([])
    works = false
    expect(await warningsDuring(write)).toEqual([warned])
  })

  it.each([
    () => {
      throw new Error('told too much')
    },
    () => Promise.reject(new Error('told too much')),
  ])('whose failure nobody can be told of harms nobody', async (onCopyFailed) => {
    const { sink } = withCopies([away('copy')], { onCopyFailed })
    const warnings = await warningsDuring(async () => {
      await sink.write([sampleRow()])
      await nextTurn()
    })
    expect(warnings).toEqual([{ code: 'COPY_FAILED', message: expect.stringContaining('told too much') }])
  })
})

describe('closing a fan-out', () => {
  const closing = (name: string, closed: string[], close = async () => undefined): AuditSink => ({
    ...sinkThat(name, async () => undefined),
    close: async () => {
      closed.push(name)
      await close()
    },
  })
  const fails = () => Promise.reject(new Error('can not'))

  it('closes all, and takes no more rows', async () => {
    const closed: string[] = []
    const sink = fanOutSink({ sinks: [closing('a', closed), memorySink()], copies: [closing('b', closed)] })
    await sink.close?.()
    expect(closed.sort()).toEqual(['a', 'b'])
    await expect(sink.write([sampleRow()])).rejects.toMatchObject({ code: 'SINK_CLOSED' })
  })

  it('closes all although one can not be closed, and says which', async () => {
    const closed: string[] = []
    const sinks = [closing('a', closed, fails), closing('b', closed)]
    const { sink, failures } = withCopies([closing('c', closed, fails), closing('d', closed)], { sinks })
    await expect(sink.close?.()).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: '1 of 2 sinks could not be closed: a.',
    })
    expect(closed.sort()).toEqual(['a', 'b', 'c', 'd'])
    expect(failures).toEqual([{ sink: 'c', rows: [], cause: expect.objectContaining({ message: 'can not' }) }])
  })

  it('waits for what a copy is writing', async () => {
    let written = false
    const copy = sinkThat('copy', async () => {
      await sleep(20)
      written = true
    })
    const { sink } = withCopies([copy])
    await sink.write([sampleRow()])
    await sink.close?.()
    expect(written).toBe(true)
  })

  it('does not wait for ever for a copy that hangs, in writing or in closing', async () => {
    const stuck: AuditSink = { ...hanging('stuck'), close: () => new Promise(() => undefined) }
    const { sink, failures } = withCopies([stuck], { copyTimeout: 20 })
    await sink.write([sampleRow()])
    await sink.close?.()
    expect(failures.map(({ rows }) => rows.length)).toEqual([1, 0])
  })
})
