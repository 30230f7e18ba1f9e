import { type AuditRow, createAuditTrail } from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import { expect, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'

interface Asked {
  readonly events: readonly string[]
  resolve(): void
  reject(cause: Error): void
}

/** A store that answers when the test says so. */
function askedStore() {
  const asked: Asked[] = []
  const write = (rows: readonly AuditRow[]): Promise<void> =>
    new Promise((resolve, reject) => {
      asked.push({ events: rows.map(({ event }) => event), resolve, reject })
      if (store.answersAtOnce) resolve()
    })
  const store = { asked, answersAtOnce: false, sink: { name: 'asked', write } }
  return store
}

const policies = { logout: { delivery: 'deferred' } } as const

it('a store is not back because of what it was asked before it went away', async () => {
  const { asked, sink } = askedStore()
  const trail = createAuditTrail({ sink, spool: fileSpool({ folder: freshFolder() }), policies })
  await trail.record('logout')
  await expect.poll(() => asked.length).toBe(1)
  const login = trail.record('login')
  asked[1]?.reject(new Error('gone'))
  await login
  expect(trail.health.reachable).toBe(false)

  asked[0]?.resolve()
  await expect.poll(() => asked[2]?.events).toEqual(['degradation_start', 'login'])
  expect(trail.health.reachable).toBe(false)

  asked[2]?.resolve()
  await expect.poll(() => trail.health.reachable).toBe(true)
  await expect.poll(() => asked[3]?.events).toEqual(['degradation_end'])
  asked[3]?.resolve()
  await trail.close()
})

it('a store that answers too late is asked for the last row again, until it answers in time', async () => {
  const store = askedStore()
  const { asked, sink } = store
  const trail = createAuditTrail({ sink, spool: fileSpool({ folder: freshFolder() }), policies, patience: 100 })
  await trail.record('login')
  expect(trail.health.reachable).toBe(false)
  await expect.poll(() => asked[1]?.events).toEqual(['degradation_start', 'login'])
  await new Promise((resolve) => setTimeout(resolve, 150))
  store.answersAtOnce = true
  asked[1]?.resolve()
  await expect.poll(() => asked.map(({ events }) => events.join()).slice(2)).toContain('degradation_end')
  expect(asked[2]?.events, 'what is in the store already').toEqual(['login'])
  expect(trail.health.reachable).toBe(true)
  await trail.close()
})
