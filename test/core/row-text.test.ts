import { type AuditContext, AuditedCall, type AuditRow } from '@countersign/core'
import { describe, expect, it } from 'vitest'
import { onlyRow, recording } from '../support/recording.js'

const long = 'x'.repeat(9999)
const unprintable = { toString: 1 }

/** What a call of a login is given, all of it from outside. */
interface Given {
  readonly context?: object
  readonly owner?: object
  readonly methodName?: unknown
  readonly attempt?: object
}

/** The row of a login that was given this. */
async function rowOf({ context = {}, owner = {}, methodName = 'post', attempt = {} }: Given): Promise<AuditRow> {
  const recorded = recording()
  const from = { className: 'SessionController', actor: null, ...owner }
  const call = new AuditedCall(recorded.trail, context as AuditContext, from, methodName as string, undefined)
  Object.assign(call.open('login'), attempt)
  await call.close({})
  expect(recorded.faults).toEqual([])
  return onlyRow(recorded)
}

describe('the texts of a row', () => {
  it('are as long as a store has room for, and no longer', async () => {
    const hit = { scope: long, by: 'address', limit: 1, retryAfter: 1 }
    const row = await rowOf({
      context: { requestId: long, tenant: long, userAgent: long, httpMethod: long, route: long },
      owner: { className: long },
      methodName: long,
      attempt: {
        reason: long,
        throttling: hit,
        actor: { type: 'user', id: long, label: long },
        onBehalfOf: { type: 'service', id: long, label: long },
        subject: { type: long, id: long },
      },
    })
    const lengths = {
      ...{ requestId: 64, tenant: 200, userAgent: 512, httpMethod: 16, route: 256, className: 100, methodName: 100 },
      ...{ reason: 64, scope: 100 },
    }
    for (const [field, length] of Object.entries(lengths))
      expect([field, row[field as 'reason']?.length]).toEqual([field, length])
    for (const { id, label } of [row.actor, row.onBehalfOf ?? row.actor])
      expect([id, label]).toEqual([cut(200), cut(200)])
    expect(row.subject).toEqual({ type: cut(100), id: cut(200) })
    expect(row.onBehalfOf?.type).toBe('service')
  })

  it('are what is given as another value, and null where no text can be made of it', async () => {
    const given = await rowOf({
      context: { requestId: 7, tenant: 8, sessionId: 9, httpMethod: unprintable, route: unprintable },
      methodName: 10,
      attempt: { onBehalfOf: { type: 'user', id: 11 } },
    })
    expect(given).toMatchObject({ requestId: '7', tenant: '8', methodName: '10', onBehalfOf: { id: '11' } })
    expect(given).toMatchObject({ httpMethod: null, route: null, sessionId: expect.stringMatching(/^[\w-]{22}$/) })
  })

  it('of our own users stay as they are where a foreign one would be taken for a secret', async () => {
    const bearer = 'bearer abcdefgh'
    const row = await rowOf({ context: { requestId: bearer, tenant: bearer }, attempt: { reason: bearer } })
    expect([row.requestId, row.reason, row.tenant]).toEqual([bearer, '[redacted]', '[redacted]'])
  })
})

describe('the way of a request', () => {
  it('is its hops that have an address, at most 32 of them, each with its trust', async () => {
    const hops = Array.from({ length: 40 }, (_, index) => ({ address: `10.0.0.${index}`, trusted: index === 0 }))
    const { proxies } = await rowOf({ context: { proxies: hops } })
    expect(proxies).toEqual(hops.slice(0, 32))
  })

  it('is nothing where no list was given, and empty where the list is', async () => {
    expect((await rowOf({ context: { proxies: '10.0.0.1' } })).proxies).toBeNull()
    expect((await rowOf({ context: { proxies: [null, undefined, { address: 7 }] } })).proxies).toEqual([])
  })

  it('begins at an address of either kind', async () => {
    expect((await rowOf({ context: { address: '192.0.2.7' } })).address).toBe('192.0.2.7')
    expect((await rowOf({ context: { address: '2001:db8::7' } })).address).toBe('2001:db8::7')
  })

  it('begins nowhere where only its text would be an address', async () => {
    expect((await rowOf({ context: { address: { toString: () => '192.0.2.7' } } })).address).toBeNull()
  })
})

describe('whoever is named in a row', () => {
  it.each([
    [{ type: 'anonymous' }, { type: 'anonymous' }],
    [{ type: 'service' }, { type: 'service' }],
    [
      { type: 'service', id: 's-1' },
      { type: 'service', id: 's-1' },
    ],
    [
      { type: 'anonymous', id: 'a-1' },
      { type: 'anonymous', id: 'a-1' },
    ],
    [
      { type: 'user', label: 'Ada' },
      { type: 'user', label: 'Ada' },
    ],
    [
      { type: 'root', id: 'u-1', label: 'Ada', email: 'x' },
      { type: 'user', id: 'u-1', label: 'Ada' },
    ],
  ])('as %j is %j', async (actor, expected) => {
    expect((await rowOf({ attempt: { actor } })).actor).toEqual(expected)
  })

  it('is nobody where a subject has no type or no id that can be text', async () => {
    expect((await rowOf({ attempt: { subject: { type: unprintable, id: 'u-1' } } })).subject).toBeNull()
    expect((await rowOf({ attempt: { subject: { type: 'user', id: unprintable } } })).subject).toBeNull()
    expect((await rowOf({ attempt: { subject: { type: 'user', id: 'u-1', name: 'x' } } })).subject).toEqual({
      type: 'user',
      id: 'u-1',
    })
  })
})

function cut(length: number): string {
  return `${'x'.repeat(length - 1)}…`
}
