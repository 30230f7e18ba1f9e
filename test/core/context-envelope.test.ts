import { type Actor, type AuditContext, actAs, currentAttempt, currentContext, runInContext } from '@countersign/core'
import { AuditEvent } from '@countersign/mixins'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { codeOf, onlyRow, type Recording, recording } from '../support/recording.js'

const key = 'k'.repeat(32)
const ada: Actor = { type: 'user', id: 'u-1', label: 'Ada' }
const support: Actor = { type: 'user', id: 'u-2', label: 'Support' }
const mailer: Actor = { type: 'service', id: 'mailer' }
const request: AuditContext = {
  requestId: 'r-1',
  sessionId: 's-1',
  tenant: 'acme',
  address: '192.0.2.7',
  proxies: [{ address: '10.0.0.1', trusted: true }],
  userAgent: 'Firefox',
  httpMethod: 'POST',
  route: '/invoices/:id',
}
const purpose = 'invoices'
const pinned =
  'v1.eyJwdXJwb3NlIjoiaW52b2ljZXMiLCJleHBpcmVzIjoxNzY3MjI1NjAxLCJjb250ZXh0Ijp7InJlcXVlc3RJZCI6InItMSIsImluaXRpYXRvciI6eyJhY3RvciI6eyJ0eXBlIjoiYW5vbnltb3VzIn19fX0.-FOtpq-APmUtxrKNUxRg0zWMSnII_1oLMlkLAwXoLK8'

/** Seals inside a call of a controller, as a handler would. */
async function sealedBy(recorded: Recording, inside: () => void = () => actAs(ada)): Promise<string> {
  class InvoiceController {
    static readonly className = 'InvoiceController'
    static readonly actor = () => null
    static readonly trail = recorded.trail

    @AuditEvent('login')
    async pay(): Promise<string> {
      inside()
      return recorded.trail.sealContext({ purpose })
    }
  }
  const envelope = await runInContext(request, () => new InvoiceController().pay())
  ;(recorded.rows as unknown[]).length = 0
  return envelope
}

afterEach(() => vi.useRealTimers())

describe('a context that was sealed', () => {
  it('gives the rows of a job the request, the address and the session, and who asked for it', async () => {
    const [server, worker] = [recording({ key }), recording({ key })]
    const envelope = await sealedBy(server)
    await worker.trail.runSealed(envelope, purpose, () => worker.trail.record('data_export_ready'))
    expect(onlyRow(worker)).toMatchObject({
      event: 'data_export_ready',
      actor: ada,
      onBehalfOf: null,
      requestId: 'r-1',
      tenant: 'acme',
      address: '192.0.2.7',
      proxies: [{ address: '10.0.0.1', trusted: true }],
      userAgent: 'Firefox',
    })
    await runInContext(request, () => server.trail.record('logout'))
    expect(onlyRow(worker).sessionId).toBe(onlyRow(server).sessionId)
  })

  it('does not make a job a request: it has no route and no method', async () => {
    const recorded = recording({ key })
    await recorded.trail.runSealed(await sealedBy(recorded), purpose, () => recorded.trail.record('data_export_ready'))
    expect(onlyRow(recorded)).toMatchObject({ httpMethod: null, route: null, className: null })
  })

  it('does not have the identifier of the session in it', async () => {
    const envelope = await sealedBy(recording({ key }), () => currentAttempt().session('very-secret-session'))
    expect(Buffer.from(envelope.split('.')[1] as string, 'base64url').toString()).not.toMatch(/very-secret-session|s-1/)
  })

  it('makes a service act in the name of who asked', async () => {
    const recorded = recording({ key })
    const envelope = await sealedBy(recorded)
    await recorded.trail.runSealed(envelope, purpose, () => recorded.trail.record('data_deletion', { actor: mailer }))
    expect(onlyRow(recorded)).toMatchObject({ actor: mailer, onBehalfOf: ada })
  })

  it('keeps in whose name somebody asked, when that was another one', async () => {
    const recorded = recording({ key })
    const envelope = await sealedBy(recorded, () => currentAttempt().actor(support).onBehalfOf(ada))
    await recorded.trail.runSealed(envelope, purpose, async () => {
      await recorded.trail.record('data_export_ready')
      await recorded.trail.record('data_deletion', { actor: mailer })
      await recorded.trail.record('logout', { actor: ada })
    })
    expect(recorded.rows.map(({ actor, onBehalfOf }) => [actor, onBehalfOf])).toEqual([
      [support, ada],
      [mailer, ada],
      [ada, null],
    ])
  })

  it('can be sealed again by the job for the next one, and says the same', async () => {
    const recorded = recording({ key })
    const first = await sealedBy(recorded)
    const second = recorded.trail.runSealed(first, purpose, () => recorded.trail.sealContext({ purpose: 'mails' }))
    await recorded.trail.runSealed(first, purpose, () => recorded.trail.record('logout'))
    await recorded.trail.runSealed(second, 'mails', () => recorded.trail.record('logout'))
    const [one, two] = recorded.rows.map(({ actor, sessionId, requestId, address }) => ({
      actor,
      sessionId,
      requestId,
      address,
    }))
    expect(two).toEqual(one)
  })

  it('is of the attempt that is running, also where that names no actor', async () => {
    const recorded = recording({ key })
    const envelope = await sealedBy(recorded, () => {
      currentAttempt().session('s-9').onBehalfOf(support)
    })
    await recorded.trail.runSealed(envelope, purpose, () => recorded.trail.record('logout'))
    await runInContext({ sessionId: 's-9' }, () => recorded.trail.record('logout'))
    const [job, direct] = recorded.rows
    expect(job?.sessionId).toBe(direct?.sessionId)
    expect(job).toMatchObject({ actor: { type: 'anonymous' }, onBehalfOf: support })
  })

  it('makes a service act in the name of another one that asked, and a person in nobody’s', async () => {
    const recorded = recording({ key })
    const importer: Actor = { type: 'service', id: 'importer' }
    const envelope = await sealedBy(recorded, () => actAs(importer))
    await recorded.trail.runSealed(envelope, purpose, async () => {
      await recorded.trail.record('data_deletion', { actor: mailer })
      await recorded.trail.record('data_deletion', { actor: importer })
      await recorded.trail.record('data_deletion', { actor: ada })
    })
    expect(recorded.rows.map(({ onBehalfOf }) => onBehalfOf)).toEqual([importer, null, null])
  })

  it('names who acts by the attempt that knows, of several', async () => {
    const recorded = recording({ key })
    class Both {
      static readonly className = 'Both'
      static readonly actor = () => null
      static readonly trail = recorded.trail

      @AuditEvent('login')
      @AuditEvent('token_refresh')
      async open(event: 'login' | 'token_refresh'): Promise<string> {
        currentAttempt(event).actor(ada)
        return recorded.trail.sealContext({ purpose })
      }
    }
    for (const event of ['login', 'token_refresh'] as const) {
      const envelope = await new Both().open(event)
      expect(recorded.trail.runSealed(envelope, purpose, currentContext).initiator?.actor).toEqual(ada)
    }
  })

  it('tells a service from a person of the same id', async () => {
    const recorded = recording({ key })
    const envelope = await sealedBy(recorded, () => actAs({ type: 'user', id: 'same' }))
    const actor: Actor = { type: 'service', id: 'same' }
    await recorded.trail.runSealed(envelope, purpose, () => recorded.trail.record('data_deletion', { actor }))
    expect(onlyRow(recorded)).toMatchObject({ actor, onBehalfOf: { type: 'user', id: 'same' } })
  })

  it('brings its trail to what has none of its own', async () => {
    const recorded = recording({ key })
    class Exports {
      static readonly className = 'Exports'
      static readonly actor = () => null

      @AuditEvent('data_export_ready')
      async make(): Promise<number> {
        return 1
      }
    }
    const envelope = recorded.trail.sealContext({ purpose })
    expect(await recorded.trail.runSealed(envelope, purpose, () => new Exports().make())).toBe(1)
    expect(onlyRow(recorded)).toMatchObject({ event: 'data_export_ready', className: 'Exports' })
  })

  it('of nobody is nobody’s', async () => {
    const recorded = recording({ key })
    const envelope = recorded.trail.sealContext({ purpose })
    await recorded.trail.runSealed(envelope, purpose, () => recorded.trail.record('data_deletion', { actor: mailer }))
    expect(onlyRow(recorded)).toMatchObject({ actor: mailer, onBehalfOf: null, requestId: null })
    expect(recorded.trail.runSealed(envelope, purpose, currentContext).initiator?.actor.type).toBe('anonymous')
  })

  it('is cleaned and bounded as a row is, so that whatever was sealed can be opened', async () => {
    const recorded = recording({ key })
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 40_000 }), async (text) => {
        const given = { requestId: text, tenant: text, userAgent: text, address: text, sessionId: text }
        const envelope = runInContext(given, () => recorded.trail.sealContext({ purpose }))
        await recorded.trail.runSealed(envelope, purpose, () => recorded.trail.record('logout'))
      }),
      { numRuns: 50 },
    )
  })
})

describe('an envelope', () => {
  it('is what it was in earlier versions: jobs wait in queues while programs are updated', () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.setSystemTime(new Date('2026-01-01T00:00:00Z'))
    const { trail } = recording({ key })
    const envelope = runInContext({ requestId: 'r-1' }, () => trail.sealContext({ purpose, seconds: 1 }))
    expect(envelope).toBe(pinned)
    expect(trail.runSealed(pinned, purpose, currentContext).requestId).toBe('r-1')
  })

  it('may be for a purpose of 64 characters', () => {
    const { trail } = recording({ key })
    const long = 'x'.repeat(64)
    expect(trail.runSealed(trail.sealContext({ purpose: long }), long, () => 'ran')).toBe('ran')
    expect(codeOf(() => trail.runSealed('', '', () => 1))).toBe('SETTING_INVALID')
  })
})

describe('an envelope opens', () => {
  it('for no other purpose', async () => {
    const recorded = recording({ key })
    const envelope = await sealedBy(recorded)
    expect(codeOf(() => recorded.trail.runSealed(envelope, 'mails', () => 1))).toBe('ENVELOPE_INVALID')
  })

  it('with no other key, and not with that of a trail without one', async () => {
    const envelope = await sealedBy(recording({ key }))
    for (const other of [recording({ key: 'K'.repeat(32) }), recording()]) {
      expect(codeOf(() => other.trail.runSealed(envelope, purpose, () => 1))).toBe('ENVELOPE_INVALID')
    }
  })

  it('until it expires, and no longer', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.setSystemTime(new Date('2026-01-01T00:00:00Z'))
    const { trail } = recording({ key })
    const envelope = trail.sealContext({ purpose, seconds: 60 })
    vi.setSystemTime(Date.now() + 59_000)
    expect(trail.runSealed(envelope, purpose, () => 'ran')).toBe('ran')
    vi.setSystemTime(Date.now() + 1000)
    expect(codeOf(() => trail.runSealed(envelope, purpose, () => 1))).toBe('ENVELOPE_INVALID')
  })

  it('for a week unless told', () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { trail } = recording({ key })
    const envelope = trail.sealContext({ purpose })
    vi.setSystemTime(Date.now() + 604_799_000)
    expect(trail.runSealed(envelope, purpose, () => 'ran')).toBe('ran')
    vi.setSystemTime(Date.now() + 2000)
    expect(codeOf(() => trail.runSealed(envelope, purpose, () => 1))).toBe('ENVELOPE_INVALID')
  })

  it('in no part that was changed', async () => {
    const recorded = recording({ key })
    const envelope = await sealedBy(recorded)
    const [version = '', payload = '', signature = ''] = envelope.split('.')
    const letter = JSON.parse(Buffer.from(payload, 'base64url').toString())
    letter.context.initiator.actor.id = 'u-admin'
    const forged = Buffer.from(JSON.stringify(letter)).toString('base64url')
    for (const wrong of [
      `${version}.${forged}.${signature}`,
      `v2.${payload}.${signature}`,
      `${version}.${payload}.${signature}.x`,
      `${version}.${payload}.`,
      `${version}.${payload}`,
      `${version}.${payload}.${signature.slice(0, 20)}`,
      `${version}.${payload}.${Buffer.alloc(32).toString('base64url')}`,
      'v1..',
      '',
      'x'.repeat(100_000),
      undefined,
      { purpose },
    ]) {
      expect(codeOf(() => recorded.trail.runSealed(wrong as string, purpose, () => 1))).toBe('ENVELOPE_INVALID')
    }
  })

  it('only with something to run', () => {
    const { trail } = recording({ key })
    const envelope = trail.sealContext({ purpose })
    expect(codeOf(() => trail.runSealed(envelope, purpose, undefined as never))).toBe('SETTING_INVALID')
  })

  it.each([
    ['nothing', undefined],
    ['no purpose', {}],
    ['an empty purpose', { purpose: '' }],
    ['a purpose that is too long', { purpose: 'x'.repeat(65) }],
    ['no time', { purpose, seconds: 0 }],
    ['half a second', { purpose, seconds: 0.5 }],
  ])('never when it was to be sealed with %s', (_, options) => {
    expect(codeOf(() => recording({ key }).trail.sealContext(options as never))).toBe('SETTING_INVALID')
  })
})
