import { actAs, currentAttempt, currentContext, runInContext } from '@countersign/core'
import { AuditEvent, withSignupAudit } from '@countersign/mixins'
import { expect, it } from 'vitest'
import { Refusal } from '../support/controllers.js'
import { nextTurn, recording, sleep } from '../support/recording.js'

interface Body {
  readonly index: number
  readonly email: string
}

it('100 interleaved calls on one controller never mix contexts, actors, details or outcomes', async () => {
  const recorded = recording()
  class Plain {
    async post({ index }: Body): Promise<number> {
      for (let turn = 0; turn < (index * 7) % 5; turn++) await nextTurn()
      actAs({ id: index })
      await sleep((index * 13) % 4)
      currentAttempt('login').details({ remember: index % 2 === 0 })
      expect(currentContext().requestId).toBe(`r-${index}`)
      if (index % 3 === 0) throw new Refusal(401, `reason_${index}`)
      return index
    }
  }
  class Session extends withSignupAudit(Plain) {
    static readonly className = 'Session'
    static readonly actor = (): null => null
    static readonly trail = recorded.trail
    @AuditEvent('login', { attempted: ({ email }: Body) => email })
    override async post(body: Body): Promise<number> {
      await nextTurn()
      return super.post(body)
    }
  }
  const session = new Session()
  const results = await Promise.allSettled(
    Array.from({ length: 100 }, (_, index) =>
      runInContext({ requestId: `r-${index}`, address: `192.0.2.${index}` }, () =>
        session.post({ index, email: `user-${index}@example.org` }),
      ),
    ),
  )
  results.forEach((result, index) => {
    expect(result.status).toBe(index % 3 === 0 ? 'rejected' : 'fulfilled')
    if (result.status === 'fulfilled') expect(result.value).toBe(index)
  })
  expect(recorded.rows).toHaveLength(200)
  for (const row of recorded.rows) {
    const index = Number(row.requestId?.slice(2))
    expect(row.address).toBe(`192.0.2.${index}`)
    expect(row.actor).toEqual({ type: 'user', id: String(index) })
    expect(row).toMatchObject(
      index % 3 === 0 ? { outcome: 'failure', reason: `reason_${index}` } : { outcome: 'success', reason: null },
    )
    expect(row.attempted?.hash).toBe(recorded.trail.identifierHash(`user-${index}@example.org`))
    if (row.event === 'login') expect(row.details).toEqual({ remember: index % 2 === 0 })
  }
  expect(new Set(recorded.rows.map(({ event, requestId }) => `${event} ${requestId}`)).size).toBe(200)
})
