import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Sweeper } from '../../packages/auth/dist/store/sweeper.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const sweeper = (runs: Record<string, () => Promise<void>>) => {
  const reported: unknown[][] = []
  const chores = Object.entries(runs).map(([name, run]) => ({ name, run }))
  const made = new Sweeper({ chores, pause: 60, report: (...told) => reported.push(told) })
  return { made, reported }
}

it('does every chore of a round, also after one that failed, and reports that', async () => {
  const broken = new Error('the database is away')
  const done: string[] = []
  const { made, reported } = sweeper({
    one: async () => Promise.reject(broken),
    two: async () => void done.push('two'),
  })
  await made.sweep()
  expect(done).toEqual(['two'])
  expect(reported).toEqual([["The chore 'one' failed.", broken]])
})

it('begins the next round a minute after the end of one, and none after it was stopped', async () => {
  let rounds = 0
  const { made } = sweeper({ one: async () => void rounds++ })
  made.start()
  await vi.advanceTimersByTimeAsync(59_000)
  expect(rounds).toBe(0)
  await vi.advanceTimersByTimeAsync(121_000)
  expect(rounds).toBe(3)
  await made.stop()
  made.start()
  await vi.advanceTimersByTimeAsync(600_000)
  expect(rounds).toBe(3)
})

it('is stopped when the chore that is being done is done, and does no other one', async () => {
  let finish: () => void = () => undefined
  const done: string[] = []
  const { made } = sweeper({
    one: () => new Promise((resolve) => (finish = resolve)),
    two: async () => void done.push('two'),
  })
  made.start()
  await vi.advanceTimersByTimeAsync(60_000)
  let stopped = false
  const stopping = made.stop().then(() => (stopped = true))
  await vi.advanceTimersByTimeAsync(1000)
  expect(stopped).toBe(false)
  finish()
  await stopping
  expect(done).toEqual([])
})
