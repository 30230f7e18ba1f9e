import { AuditedCall, currentAttempt, currentContext, currentFlow, runInContext, runInFlow } from '@countersign/core'
import { describe, expect, it } from 'vitest'
import { nextTurn, recording } from '../support/recording.js'

describe('the context', () => {
  it('is empty and frozen outside of any request', () => {
    expect(currentContext()).toEqual({})
    expect(Object.isFrozen(currentContext())).toBe(true)
    expect(currentFlow()).toBeUndefined()
  })

  it('is a frozen copy: what is changed afterwards is not seen', () => {
    const given = { requestId: 'r-1' }
    runInContext(given, () => {
      given.requestId = 'r-2'
      expect(currentContext()).toEqual({ requestId: 'r-1' })
      expect(Object.isFrozen(currentContext())).toBe(true)
    })
  })

  it('travels with what is awaited and started', async () => {
    const seen: unknown[] = []
    await runInContext({ requestId: 'r-1' }, async () => {
      await nextTurn()
      seen.push(currentContext().requestId)
      setTimeout(() => seen.push(currentContext().requestId), 1)
    })
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(seen).toEqual(['r-1', 'r-1'])
    expect(currentContext()).toEqual({})
  })

  it('returns what the job returns, and throws what it throws', async () => {
    const error = new Error('x')
    expect(runInContext({}, () => 7)).toBe(7)
    await expect(runInContext({}, () => Promise.reject(error))).rejects.toBe(error)
  })

  it('never mixes with that of a neighbour', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `r-${index}`)
    const seen = await Promise.all(
      ids.map((requestId, index) =>
        runInContext({ requestId }, async () => {
          for (let turn = 0; turn < index % 5; turn++) await nextTurn()
          return currentContext().requestId
        }),
      ),
    )
    expect(seen).toEqual(ids)
  })
})

describe('runInContext', () => {
  it('brings a trail, or keeps the one around', () => {
    const { trail } = recording()
    runInContext(
      {},
      () => {
        expect(currentFlow()?.trail).toBe(trail)
        runInContext({ requestId: 'job' }, () => expect(currentFlow()?.trail).toBe(trail))
      },
      { trail },
    )
  })

  it('hides the context and the attempts around it', () => {
    const { trail } = recording()
    const call = new AuditedCall(trail, { address: '192.0.2.1' }, { className: 'C', actor: null }, 'post', undefined)
    const attempt = call.open('login')
    runInFlow({ context: call.context, trail, call }, () =>
      runInContext({ requestId: 'job' }, () => {
        currentAttempt('login').reason('of_the_job')
        expect(currentContext()).toEqual({ requestId: 'job' })
      }),
    )
    expect(attempt.reason).toBeNull()
  })
})
