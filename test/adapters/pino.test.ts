import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pinoSink } from '@countersign/adapters/pino'
import { type AuditRow, createAuditTrail, rowToJson } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'
import { codeOf, warningsDuring } from '../support/recording.js'

const folder = freshFolder()
let files = 0
const freshPath = (): string => join(folder, `${files++}.log`)
const linesOf = (path: string): Array<Record<string, unknown>> =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

function logging(options: Parameters<typeof pino>[0] = {}) {
  const path = freshPath()
  const logger = pino(options as object, pino.destination({ dest: path, sync: true }))
  return { logger, lines: () => linesOf(path) }
}

describe('pinoSink', () => {
  it('writes one line per row: its JSON form, its event and outcome', async () => {
    const { logger, lines } = logging()
    const row = sampleRow()
    await pinoSink(logger).write([row, sampleRow({ event: 'logout', outcome: 'success' })])
    expect(lines()).toEqual([
      expect.objectContaining({ msg: 'login.failure', audit: JSON.parse(JSON.stringify(rowToJson(row))) }),
      expect.objectContaining({ msg: 'logout.success' }),
    ])
  })

  it.each([
    ['informational', 'info'],
    ['low', 'info'],
    ['medium', 'warn'],
    ['high', 'error'],
    ['critical', 'fatal'],
  ] as const)('writes a row of severity %s at level %s', async (severity, level) => {
    const { logger, lines } = logging()
    await pinoSink(logger).write([sampleRow({ severity })])
    expect(lines()).toEqual([expect.objectContaining({ level: pino.levels.values[level] })])
  })

  it('takes level and message as told, and the message literally', async () => {
    const { logger, lines } = logging({ customLevels: { audit: 35 } })
    const sink = pinoSink(logger, { level: () => 'audit', message: ({ reason }) => `100%s ${reason} %o` })
    await sink.write([sampleRow()])
    expect(lines()).toEqual([expect.objectContaining({ level: 35, msg: '100%s bad_credentials %o' })])
  })

  it('keeps what the logger adds to its lines', async () => {
    const { logger, lines } = logging()
    await pinoSink(logger.child({ service: 'shop' })).write([sampleRow()])
    expect(lines()).toEqual([expect.objectContaining({ service: 'shop' })])
  })

  it.each(['warn', 'silent'])('loses no row silently to a logger of level %s', async (level) => {
    const { logger, lines } = logging({ level })
    const trail = createAuditTrail({ sink: pinoSink(logger) })
    const causes: unknown[] = []
    trail.signals.on('fault', () => undefined)
    trail.signals.on('loss', ({ cause }) => causes.push(cause))
    await trail.record('login')
    expect(causes).toEqual([
      expect.objectContaining({ code: 'SETTING_INVALID', message: expect.stringContaining("level 'info'") }),
    ])
    expect(lines()).toEqual([])
    await pinoSink(logger.child({}, { level: 'info' })).write([sampleRow()])
    expect(lines()).toHaveLength(1)
  })

  it.each(['silent', 'child', 'flush', 'loud', '__proto__'])(
    'refuses %s, which is no level of a line',
    async (level) => {
      const { logger, lines } = logging()
      const written = pinoSink(logger, { level: () => level }).write([sampleRow()])
      await expect(written).rejects.toMatchObject({ code: 'SETTING_INVALID' })
      expect(lines()).toEqual([])
    },
  )

  it('has handed the line to a destination with a buffer, and flushed it, when the write is done', async () => {
    const path = freshPath()
    const logger = pino(pino.destination({ dest: path, sync: false, minLength: 4096 }))
    const sink = pinoSink(logger)
    await sink.write([sampleRow()])
    expect(linesOf(path)).toHaveLength(1)
  })

  it('lets many writers share a flush', async () => {
    const path = freshPath()
    const logger = pino(pino.destination({ dest: path, sync: false, minLength: 4096 }))
    const sink = pinoSink(logger)
    const rows = Array.from({ length: 100 }, () => sampleRow())
    const warnings = await warningsDuring(() => Promise.all(rows.map((row) => sink.write([row]))))
    expect(linesOf(path).map(({ audit }) => (audit as AuditRow).id)).toEqual(rows.map(({ id }) => id))
    expect(warnings).toEqual([])
  })

  it('writes to a worker, and is done when the worker has the line', async () => {
    const path = freshPath()
    const transport = pino.transport({ target: 'pino/file', options: { destination: path } })
    const sink = pinoSink(pino(transport))
    await sink.write([sampleRow()])
    await sink.close?.()
    transport.end()
    await new Promise((resolve) => transport.on('close', resolve))
    expect(linesOf(path)).toHaveLength(1)
  })

  it('fails with its destination, and works again', async () => {
    let fault: Error | null = new Error('flush failed')
    const written: string[] = []
    const destination = {
      write: (line: string) => void written.push(line),
      flush: (done: (cause?: Error | null) => void) => done(fault),
    }
    const sink = pinoSink(pino({}, destination))
    const row = sampleRow()
    await expect(sink.write([row])).rejects.toThrow('flush failed')
    fault = null
    await sink.write([row])
    await sink.write([row])
    expect(written, 'what failed may come again').toHaveLength(2)
  })

  it.each([
    ['level', { level: ({ event }: AuditRow) => (event === 'logout' ? 'loud' : 'info') }],
    [
      'message',
      {
        message({ event }: AuditRow) {
          if (event === 'logout') throw new Error('no')
          return event
        },
      },
    ],
  ])('writes nothing of a batch that fails by the %s of its second row', async (_, options) => {
    const { logger, lines } = logging()
    const rows = [sampleRow(), sampleRow({ event: 'logout' })]
    await expect(pinoSink(logger, options).write(rows)).rejects.toThrow()
    expect(lines()).toEqual([])
  })

  it('fails what waits for a flush that never comes, and writes again afterwards', async () => {
    let answers = false
    const written: string[] = []
    const destination = {
      write: (line: string) => void written.push(line),
      flush: (done: () => void) => void (answers && done()),
    }
    const sink = pinoSink(pino({}, destination), { flushTimeout: 50 })
    const late = { code: 'SINK_FAILED', message: expect.stringContaining('50 ms') }
    await expect(sink.write([sampleRow()])).rejects.toMatchObject(late)
    await expect(sink.write([sampleRow()])).rejects.toMatchObject(late)
    answers = true
    await sink.write([sampleRow()])
    expect(written).toHaveLength(3)
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '10'])('refuses %s as its flushTimeout', (flushTimeout) => {
    const { logger } = logging()
    expect(codeOf(() => pinoSink(logger, { flushTimeout } as never))).toBe('SETTING_INVALID')
  })

  it('leaves the logger to its owner when it is closed', async () => {
    const { logger, lines } = logging()
    const sink = pinoSink(logger)
    await sink.close?.()
    await expect(sink.write([sampleRow()])).rejects.toMatchObject({ code: 'SINK_CLOSED' })
    logger.info('still here')
    expect(lines()).toEqual([expect.objectContaining({ msg: 'still here' })])
  })

  it.each([undefined, null, {}, 'info', console])('is refused what is no logger: %o', (logger) => {
    expect(codeOf(() => pinoSink(logger as never))).toBe('SETTING_INVALID')
  })
})
