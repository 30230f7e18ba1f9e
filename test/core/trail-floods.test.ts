import { type AuditRow, createAuditTrail, memorySink, runInContext } from '@countersign/core'
import { expect, it } from 'vitest'

function flooded(window = 3600) {
  const sink = memorySink()
  const trail = createAuditTrail({ sink, floods: { window } })
  const heard: AuditRow[] = []
  trail.signals.on('*', ({ row }) => heard.push(row))
  const deny = (address: string, times: number) =>
    runInContext({ address }, async () => {
      for (let time = 0; time < times; time++) await trail.record('login', { outcome: 'denied', reason: 'throttled' })
    })
  return { trail, sink, heard, deny }
}

const counts = (rows: readonly AuditRow[]) => rows.map(({ address, repeatCount }) => [address, repeatCount])

it('a trail with floods stores and announces the first refusal at once, and no repeat of it', async () => {
  const { trail, sink, heard, deny } = flooded()
  await deny('192.0.2.1', 500)
  await deny('192.0.2.2', 1)
  expect(counts(sink.rows)).toEqual([
    ['192.0.2.1', 1],
    ['192.0.2.2', 1],
  ])
  expect(heard).toEqual(sink.rows)
  expect(trail.health.collapsed).toBe(499)
  await trail.close()
})

it('a trail with floods sums the repeats up in one row when it is closed, and counts it as recorded', async () => {
  const { trail, sink, heard, deny } = flooded()
  await deny('192.0.2.1', 500)
  await trail.close()
  expect(counts(sink.rows)).toEqual([
    ['192.0.2.1', 1],
    ['192.0.2.1', 499],
  ])
  expect(heard).toEqual(sink.rows)
  expect(trail.counts).toEqual({ recorded: 2, vetoed: 0, lost: 0 })
  expect(trail.health.collapsed).toBe(0)
})

it('a trail with floods leaves one summary for each window that closes', async () => {
  const { trail, sink, deny } = flooded(0.05)
  await deny('192.0.2.1', 10)
  await expect.poll(() => sink.rows.reduce((sum, { repeatCount }) => sum + (repeatCount ?? 0), 0)).toBe(10)
  await trail.close()
})

it('a trail with floods leaves successes and failures alone', async () => {
  const { trail, sink } = flooded()
  await trail.record('login')
  await trail.record('login', { outcome: 'failure' })
  await trail.record('login', { outcome: 'failure' })
  expect(sink.rows.map(({ repeatCount }) => repeatCount)).toEqual([null, null, null])
  await trail.close()
})

it('a trail is not made with floods that make no sense', () => {
  expect(() => createAuditTrail({ sink: memorySink(), floods: { window: -1 } })).toThrow(/floods.window/)
})
