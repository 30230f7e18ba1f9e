import { AuditedCall, currentAttempt, runInFlow } from '@countersign/core'
import { type AnyClass, AuditEvent, factsOfClass, hooksOfMethod, withLoginAudit } from '@countersign/mixins'
import { describe, expect, it } from 'vitest'
import { Chained, finished, type Handler, handling, Refusal, served } from '../support/controllers.js'
import { onlyRow, type Recording, recording, summary } from '../support/recording.js'

function login(handler: Handler, recorded = recording()) {
  const controller = new (finished(withLoginAudit(handling(handler)), recorded))()
  return { recorded, controller }
}

/** A call of a controller's method, as an adapter opens it before the handler. */
function opened(
  controller: object,
  { trail }: Recording,
  { method = 'post', held = true }: { readonly method?: string; readonly held?: boolean } = {},
): AuditedCall {
  const facts = factsOfClass(controller.constructor as AnyClass, controller)
  const call = new AuditedCall(trail, {}, facts, method, undefined, held)
  for (const { event } of hooksOfMethod(facts.controller, method).hooks) call.open(event)
  return call
}

describe('a call that an adapter opened', () => {
  it('is filled by the handler and closed by the adapter, with the status of the response', async () => {
    const recorded = recording()
    const { controller } = login(async () => {
      currentAttempt('login').reason('from_handler')
    }, recorded)
    await served(controller, 'post', [{ email: 'ada@example.org' }], recorded, { status: 404 })
    expect(onlyRow(recorded)).toMatchObject({
      outcome: 'failure',
      reason: 'from_handler',
      status: 404,
      attempted: { masked: 'a***@e***.org' },
    })
  })

  it('is told what the handler threw', async () => {
    const recorded = recording()
    const { controller } = login(async () => {
      throw new Refusal(401, 'bad_credentials')
    }, recorded)
    await served(controller, 'post', [], recorded, { status: 401 })
    expect(onlyRow(recorded)).toMatchObject({ outcome: 'failure', reason: 'bad_credentials' })
  })

  it('is told of a thrown nothing too', async () => {
    const recorded = recording()
    const { controller } = login(async () => {
      throw undefined
    }, recorded)
    await served(controller, 'post', [], recorded, { status: 200 })
    expect(onlyRow(recorded).outcome).toBe('failure')
  })

  it('keeps what a guard said of it, where the arguments say nothing or say more', async () => {
    const recorded = recording()
    class Session {
      static readonly className = 'Session'
      static readonly actor = (): null => null
      static readonly trail = recorded.trail
      @AuditEvent('login', {
        attempted: () => undefined,
        subject: () => null,
        details: () => ({ method: 'password' }),
      })
      async post(): Promise<void> {}
    }
    const call = opened(new Session(), recorded)
    Object.assign(call.attempts[0] as object, { attempted: 'ada@example.org', details: { remember: true } })
    for (const attempt of call.attempts) attempt.subject = { type: 'user', id: 'u-1' }
    await runInFlow({ context: {}, trail: recorded.trail, call }, () => new Session().post())
    await call.close({})
    expect(onlyRow(recorded)).toMatchObject({
      attempted: { masked: 'a***@e***.org' },
      subject: { id: 'u-1' },
      details: { method: 'password', remember: true },
    })
  })

  it('that had to close before its handler was reached has its row, and the handler leaves no other', async () => {
    const recorded = recording()
    const { controller } = login(async () => 'in', recorded)
    const call = opened(controller, recorded)
    await call.close({ status: 499 })
    const flow = { context: {}, trail: recorded.trail, call }
    expect(await runInFlow(flow, () => controller.post())).toBe('in')
    expect(onlyRow(recorded)).toMatchObject({ status: 499 })
    await runInFlow(flow, () => controller.post())
    expect(summary(recorded), 'what is called again is attempted again').toEqual(['login failure', 'login success'])
  })

  it('that is closed says nothing of another method, of another controller, or without an adapter', async () => {
    const recorded = recording()
    const { controller } = login(async () => 'in', recorded)
    const elsewhere = [
      opened(controller, recorded, { method: 'logout' }),
      opened(login(async () => 'in', recorded).controller, recorded),
      opened(controller, recorded, { held: false }),
    ]
    for (const [index, call] of elsewhere.entries()) {
      await call.close({ status: 499 })
      await runInFlow({ context: {}, trail: recorded.trail, call }, () => controller.post())
      expect(summary(recorded).filter((row) => row === 'login success')).toHaveLength(index + 1)
    }
  })

  it('is of its method only: another one that is called before it is reached has a row of its own', async () => {
    const recorded = recording()
    const { controller } = login(async () => 'in', recorded)
    const call = opened(controller, recorded, { method: 'signup' })
    call.open('signup')
    await runInFlow({ context: {}, trail: recorded.trail, call }, () => controller.post())
    await call.close({ status: 401 })
    expect(summary(recorded)).toEqual(['login success', 'signup failure'])
  })

  it('is of its controller only: another one that is called before it is reached has a row of its own', async () => {
    const recorded = recording()
    const { controller } = login(async () => 'in', recorded)
    const call = opened(controller, recorded)
    const other = login(async () => 'in', recorded).controller
    await runInFlow({ context: {}, trail: recorded.trail, call }, () => other.post())
    await call.close({ status: 401 })
    expect(summary(recorded)).toEqual(['login failure', 'login success'])
  })

  it('is one attempt: what calls itself again attempts again', async () => {
    const recorded = recording()
    class Account {
      async post(depth: number): Promise<unknown> {
        return depth === 0 ? 0 : this.post(depth - 1)
      }
    }
    await served(new (finished(withLoginAudit(Account), recorded))(), 'post', [3], recorded)
    expect(recorded.rows).toHaveLength(4)
  })

  it('is of the object that it reached, of no other of the same class', async () => {
    const recorded = recording()
    const Controller = finished(withLoginAudit(Chained), recorded)
    const [one, two] = [new Controller(), new Controller()]
    one.next = two
    await served(one, 'post', [], recorded, { status: 401 })
    expect(summary(recorded)).toEqual(['login failure', 'login success'])
  })

  it('leaves one row for each event of a method, mixed and decorated', async () => {
    const recorded = recording()
    class Both extends withLoginAudit(handling(async () => 'in')) {
      static readonly className = 'Both'
      static readonly actor = (): null => null
      static readonly trail = recorded.trail
      @AuditEvent('signup')
      override async post(): Promise<unknown> {
        return super.post()
      }
    }
    await served(new Both(), 'post', [], recorded, { status: 201 })
    expect(summary(recorded)).toEqual(['login success', 'signup success'])
  })
})
