import { actAs, currentAttempt, currentFlow, isRowId, runInContext, runInFlow } from '@countersign/core'
import { describe, expect, it } from 'vitest'
import { Attempt } from '../../packages/core/dist/attempt.js'
import { AuditedCall } from '../../packages/core/dist/audited-call.js'
import { recording } from '../support/recording.js'

const owner = { className: 'SessionController', actor: null }

/** Runs inside a call with these events open, and gives the call back. */
function inCall(events: readonly string[], run: () => void, parent?: AuditedCall): AuditedCall {
  const { trail } = recording()
  const call = new AuditedCall(trail, {}, owner, 'post', parent ?? currentFlow()?.call)
  for (const event of events) call.open(event as never)
  runInFlow({ context: {}, trail, call }, run)
  return call
}

describe('an attempt', () => {
  it('has the time of its opening in its id, and nothing else yet', () => {
    const attempt = new Attempt('login')
    expect(isRowId(attempt.id)).toBe(true)
    expect(Math.abs(attempt.openedAt - Date.now())).toBeLessThan(1000)
    expect(attempt).toMatchObject({ event: 'login', actor: null, subject: null, outcome: null, reason: null })
  })
})

describe('currentAttempt', () => {
  it('takes everything and records nothing outside of an audited call', () => {
    const handle = currentAttempt('login')
    expect(
      handle
        .actor({ id: 1 })
        .onBehalfOf({ id: 2 })
        .subject({ type: 'user', id: '3' })
        .attempted('ada')
        .session('s')
        .details({ method: 'password' })
        .reason('x')
        .outcome('failure'),
    ).toBe(handle)
    actAs({ id: 1 })
    runInContext({ requestId: 'r' }, () => actAs({ id: 1 }))
  })

  it('writes all that can be said to the attempt', () => {
    const { attempts } = inCall(['login'], () => {
      currentAttempt('login')
        .actor({ id: 7, label: 'Ada', passwordHash: 'x' } as { id: number; label: string })
        .onBehalfOf({ type: 'service', id: 'support' })
        .subject({ type: 'user', id: 7 as never })
        .attempted('ada@example.org')
        .session('s-1')
        .details({ method: 'password' })
        .details({ remember: true })
        .outcome('failure', 'bad_credentials')
    })
    expect(attempts[0]).toMatchObject({
      actor: { type: 'user', id: '7', label: 'Ada' },
      onBehalfOf: { type: 'service', id: 'support' },
      subject: { type: 'user', id: '7' },
      attempted: 'ada@example.org',
      sessionId: 's-1',
      details: { method: 'password', remember: true },
      outcome: 'failure',
      reason: 'bad_credentials',
    })
    expect(attempts[0]?.actor).not.toHaveProperty('passwordHash')
  })

  it('leaves out a subject that nobody can be found by', () => {
    const { attempts } = inCall(['login', 'signup'], () => {
      const unprintable = { toString: 1 } as never
      currentAttempt().subject({ type: 'user', id: 'u-1' })
      currentAttempt('login').subject({ type: 'user', id: unprintable })
      currentAttempt('signup').subject(null as never)
    })
    expect(attempts.map(({ subject }) => subject)).toEqual([null, null])
  })

  it('keeps a reason that was given before an outcome without one', () => {
    const { attempts } = inCall(['login'], () => void currentAttempt().reason('why').outcome('denied'))
    expect(attempts[0]).toMatchObject({ outcome: 'denied', reason: 'why' })
  })

  it('without a name is every attempt of the running call, and with one only that', () => {
    const { attempts } = inCall(['login', 'two_factor_challenge'], () => {
      currentAttempt().reason('both')
      currentAttempt('two_factor_challenge').reason('one')
    })
    expect(attempts.map(({ reason }) => reason)).toEqual(['both', 'one'])
  })

  it('with a name finds the innermost attempt of that event, through the calls around', () => {
    let inner: AuditedCall | undefined
    const outer = inCall(['login', 'signup'], () => {
      inner = inCall(['login'], () => {
        currentAttempt('login').reason('inner')
        currentAttempt('signup').reason('outer')
        currentAttempt('logout').reason('nowhere')
        actAs({ id: 'a' })
      })
    })
    expect(inner?.attempts.map(({ reason }) => reason)).toEqual(['inner'])
    expect(outer.attempts.map(({ reason }) => reason)).toEqual([null, 'outer'])
    expect(outer.attempts[0]?.actor, 'actAs is for the running call').toBeNull()
  })
})

describe('actAs', () => {
  it('names the actor of every attempt of the running call', () => {
    const { attempts } = inCall(['login', 'two_factor_challenge'], () => actAs({ id: 7 }))
    expect(attempts.map(({ actor }) => actor)).toEqual([
      { type: 'user', id: '7' },
      { type: 'user', id: '7' },
    ])
  })
})
