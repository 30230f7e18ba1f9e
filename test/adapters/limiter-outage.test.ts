import { execFile } from 'node:child_process'
import { stat } from 'node:fs'
import { promisify } from 'node:util'
import { type FlexibleLimiterOptions, flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import type { Degradation } from '@countersign/core'
import { describe, expect, it } from 'vitest'
import { codeOf, nextTurn, sleep, warningsDuring } from '../support/recording.js'

const gone = Object.assign(new Error('gone'), { code: 'ECONNRESET' })
const away = (): Promise<never> => Promise.reject(gone)
const hang = (): Promise<never> => new Promise(() => undefined)

/** A table of one key, which counts up and can be replaced by something that does not answer. */
function storeThatCounts() {
  let points = 0
  const store = {
    asked: 0,
    answer: async (text: string): Promise<object[]> => {
      points = /^\s*delete/i.test(text) ? 0 : points + 1
      return [{ points, expire: Date.now() + 60_000 }]
    },
    query(text: string): Promise<object[]> {
      store.asked++
      return store.answer(text)
    },
  }
  return store
}

const scopes = { login: { address: '3/min', failures: '3/min' } }

function limited(options: Partial<FlexibleLimiterOptions> = {}) {
  const store = storeThatCounts()
  const limiter = flexibleLimiter({ scopes, store, patience: 50, pause: 60_000, ...options })
  const told: Degradation[] = []
  const off = limiter.watch?.((state) => told.push(state))
  const reserve = () => limiter.reserve('login', 'address', '192.0.2.1')
  const remaining = async (): Promise<unknown> => {
    const reservation = await reserve()
    return reservation?.allowed ? reservation.remaining : 'refused'
  }
  return { store, limiter, told, off, reserve, remaining }
}

describe('a limiter whose store is away', () => {
  it.each([
    ['fails', away],
    ['hangs', hang],
    [
      'throws',
      () => {
        throw gone
      },
    ],
  ])('counts in memory by the same limits when it %s', async (_, answer) => {
    const { store, remaining } = limited()
    expect(await remaining()).toBe(2)
    store.answer = answer
    expect([await remaining(), await remaining(), await remaining(), await remaining()]).toEqual([2, 1, 0, 'refused'])
  })

  it('does not take a refusal for an outage', async () => {
    const { remaining, told } = limited()
    for (let attempt = 0; attempt < 3; attempt++) await remaining()
    expect([await remaining(), told]).toEqual(['refused', []])
  })

  it('asks it no more for a while, then with one attempt, and goes on there when it answers', async () => {
    const { store, remaining, reserve, told } = limited({ pause: 1000 })
    store.answer = away
    await remaining()
    expect(store.asked).toBe(1)
    await Promise.all([reserve(), reserve(), reserve()])
    expect(store.asked).toBe(1)
    const askedByThree = async () => {
      await Promise.all([reserve(), reserve(), reserve()])
      return store.asked
    }
    await expect.poll(askedByThree).toBe(2)
    store.answer = storeThatCounts().answer
    // In memory all are used up.
    await expect.poll(remaining).toBe(2)
    expect(await remaining()).toBe(1)
    expect(told).toMatchObject([
      { degraded: true, component: 'limiter', reaction: 'insure', cause: gone },
      { degraded: false, component: 'limiter', reaction: 'insure' },
    ])
  })

  it('tells of one outage when many attempts notice it at once, and of none when a late one fails', async () => {
    const { store, limiter, reserve, told } = limited({ pause: 100, patience: 60_000 })
    const failures: Array<(cause: Error) => void> = []
    store.answer = () => new Promise((_, reject) => failures.push(reject))
    const attempts = [reserve(), reserve(), reserve()]
    await nextTurn()
    failures[0]?.(gone)
    failures[1]?.(gone)
    await Promise.all(attempts.slice(0, 2))
    expect(told).toHaveLength(1)
    store.answer = storeThatCounts().answer
    const degradedAfterAnother = async () => {
      await limiter.reserve('login', 'address', '192.0.2.2')
      return told.map(({ degraded }) => degraded)
    }
    await expect.poll(degradedAfterAnother).toEqual([true, false])
    failures[2]?.(gone)
    expect((await attempts[2])?.allowed).toBe(true)
    expect(told).toHaveLength(2)
  })

  it('leaves no rejection unhandled when the answer that nobody waits for fails', async () => {
    const { store, remaining } = limited({ patience: 5 })
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const late = Promise.withResolvers<object[]>()
    store.answer = () => late.promise
    await remaining()
    late.reject(gone)
    await nextTurn()
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  it('takes an answer that is here, though this process was too busy to look at it in time', async () => {
    const { store, remaining, told } = limited({ patience: 20 })
    store.answer = () =>
      new Promise((resolve) => {
        stat('.', () => resolve([{ points: 1, expire: Date.now() + 60_000 }]))
        const until = performance.now() + 60
        while (performance.now() < until);
      })
    // After this, the loop looks at timers first, then at answers.
    await nextTurn()
    expect([await remaining(), told]).toEqual([2, []])
  })

  it('forgets in memory while it is away, and complains of nothing', async () => {
    const { store, limiter } = limited()
    const fail = () => limiter.reserve('login', 'failures', 'ada')
    store.answer = away
    for (let attempt = 0; attempt < 4; attempt++) await fail()
    expect((await fail())?.allowed).toBe(false)
    await limiter.clear('login', 'failures', 'ada')
    expect((await fail())?.remaining).toBe(2)
  })

  it('forgets what an earlier outage counted when told so after it', async () => {
    const { store, limiter } = limited({ pause: 0 })
    const fail = () => limiter.reserve('login', 'failures', 'ada')
    const { answer } = store
    store.answer = away
    await fail()
    await fail()
    store.answer = answer
    await limiter.clear('login', 'failures', 'ada')
    store.answer = away
    expect((await fail())?.remaining).toBe(2)
  })

  it('tells whoever begins to watch during an outage, and nobody who has stopped', async () => {
    const { store, limiter, remaining, told, off } = limited()
    off?.()
    store.answer = away
    await remaining()
    const late: Degradation[] = []
    limiter.watch?.((state) => late.push(state))
    expect([told, late]).toMatchObject([[], [{ degraded: true, cause: gone }]])
  })

  it('counts on when a listener throws, and warns', async () => {
    const { store, limiter, remaining, told } = limited({ pause: 0 })
    limiter.watch?.(() => {
      throw new Error('the pager is broken')
    })
    const { answer } = store
    const warnings = await warningsDuring(async () => {
      store.answer = away
      expect(await remaining()).toBe(2)
      store.answer = answer
      expect(await remaining()).toBe(2)
    })
    expect(warnings).toHaveLength(2)
    expect(told.map(({ degraded }) => degraded)).toEqual([true, false])
  })

  it('keeps a window that memory can not, for as long as it can', async () => {
    const { store, limiter } = limited({ scopes: { data_export_request: '1/30day' } })
    store.answer = away
    const attempt = () => limiter.reserve('data_export_request', 'address', '192.0.2.1')
    expect((await attempt())?.allowed).toBe(true)
    await sleep(20)
    expect((await attempt())?.allowed).toBe(false)
  })
})

it('a limiter whose store is away keeps no process alive: not by its patience, and not by what it counts', async () => {
  const program = `
    import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
    for (const query of [() => new Promise(() => {}), () => Promise.reject(new Error('gone'))]) {
      const limiter = flexibleLimiter({ scopes: { login: '1/h' }, store: { query }, patience: 600_000, pause: 600_000 })
      limiter.reserve('login', 'address', '192.0.2.1').then(({ allowed }) => console.log(allowed))
    }`
  const options = { cwd: import.meta.dirname, timeout: 25_000 }
  const ended = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], options)
  expect(ended).toEqual({ stdout: 'true\n', stderr: '' })
})

describe('a limiter that refuses while its store is away', () => {
  it.each([
    ['fails', away, 'ECONNRESET'],
    ['hangs', hang, 'TIMEOUT'],
  ])('refuses with LIMITER_FAILED when it %s, to count and to forget', async (_, answer, code) => {
    const { store, limiter, reserve, told } = limited({ unreachable: 'refuse' })
    store.answer = answer
    await expect(reserve()).rejects.toMatchObject({ code: 'LIMITER_FAILED', cause: { code } })
    await expect(reserve()).rejects.toMatchObject({ code: 'LIMITER_FAILED', cause: { code } })
    await expect(limiter.clear('login', 'failures', 'ada')).rejects.toMatchObject({ code: 'LIMITER_FAILED' })
    expect(told).toMatchObject([{ degraded: true, reaction: 'refuse' }])
  })
})

describe('what a limiter with a store is told', () => {
  it.each([
    ['an unknown reaction', { unreachable: 'open' }],
    ['no patience', { patience: 0 }],
    ['patience that is no number', { patience: Number.NaN }],
    ['more patience than a timer has', { patience: 2 ** 31 }],
    ['a pause before now', { pause: -1 }],
    ['a pause that is a text', { pause: '1s' }],
  ])('is refused when it is %s', (_, wrong) => {
    expect(codeOf(() => limited(wrong as never))).toBe('SETTING_INVALID')
    expect(
      codeOf(() => flexibleLimiter({ scopes, ...wrong } as never)),
      'without a store too',
    ).toBe('SETTING_INVALID')
  })

  it('may be a text as long and as strange as clients send them: the store sees none of it', async () => {
    const { store, limiter } = limited()
    const seen: unknown[] = []
    store.query = async (_text: string, values: unknown[] = []) => {
      seen.push(values[0])
      return [{ points: 1, expire: Date.now() + 60_000 }]
    }
    for (const key of ['a\u0000b', '\uD800', 'x'.repeat(5000), 'ä b\r\n'])
      await limiter.reserve('login', 'failures', key)
    for (const key of seen) expect(key).toMatch(/^login:failures:[\w-]{43}$/)
    expect(new Set(seen).size).toBe(4)
  })
})
