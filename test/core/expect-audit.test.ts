import { AuditError, runInContext } from '@countersign/core'
import { expectAudit } from '@countersign/core/testing'
import { describe, expect, it } from 'vitest'
import { recording, sleep, thrownBy } from '../support/recording.js'

describe('expectAudit', () => {
  it('passes when exactly these rows came of the action, and gives them back', async () => {
    const { trail, rows } = recording()
    const emitted = await expectAudit(trail, async () => {
      await trail.record('login', { outcome: 'failure', reason: 'bad_credentials' })
      await trail.record('logout')
    }).toEmit([{ event: 'login', outcome: 'failure', reason: 'bad_credentials' }, { event: 'logout' }])
    expect(emitted).toEqual(rows)
  })

  it.each<[string, Array<Record<string, unknown>>]>([
    ['another outcome', [{ event: 'login', outcome: 'success' }]],
    ['another event', [{ event: 'logout' }]],
    ['one row more', [{ event: 'login' }, { event: 'login' }]],
    ['one row less', []],
    ['a nested field that differs', [{ actor: { type: 'user' } }]],
    ['a field that no row has', [{ colour: 'red' }]],
  ])('fails for %s', async (_, expected) => {
    const { trail } = recording()
    const error = await thrownBy(() =>
      expectAudit(trail, () => trail.record('login', { outcome: 'failure' })).toEmit(expected),
    )
    expect(error).toMatchObject({ name: 'AssertionError', operator: 'expectAudit' })
  })

  it('fails for rows in another order', async () => {
    const { trail } = recording()
    const action = async (): Promise<void> => {
      await trail.record('login')
      await trail.record('logout')
    }
    await thrownBy(() => expectAudit(trail, action).toEmit([{ event: 'logout' }, { event: 'login' }]))
  })

  it('says what it expected and what it got', async () => {
    const { trail } = recording()
    const error = (await thrownBy(() =>
      expectAudit(trail, () => trail.record('login', { outcome: 'failure', reason: 'locked_out' })).toEmit([
        { event: 'login', outcome: 'success' },
      ]),
    )) as Error
    expect(error.message).toBe(
      [
        'expected 1 audit row(s):',
        '  {"event":"login","outcome":"success"}',
        'got 1:',
        '  {"event":"login","outcome":"failure","reason":"locked_out"}',
      ].join('\n'),
    )
  })

  it('says that there was no row', async () => {
    const error = (await thrownBy(() => expectAudit(recording().trail, () => 7).toEmit([{ event: 'login' }]))) as Error
    expect(error.message).toMatch(/got 0: none$/)
  })

  it('says what the action threw, where the rows are not as expected', async () => {
    const { trail } = recording()
    const cause = new AuditError('TRAIL_MISSING', 'AccountController is called without a trail.')
    const error = (await thrownBy(() =>
      expectAudit(trail, () => {
        throw cause
      }).toEmit([{ event: 'login' }]),
    )) as Error
    expect(error.message).toMatch(/The action threw: AuditError TRAIL_MISSING: AccountController is called/)
    expect(error.cause).toBe(cause)
  })

  it('names the pattern that a field was to match', async () => {
    const { trail } = recording()
    const error = (await thrownBy(() =>
      expectAudit(trail, () => trail.record('login', { reason: 'x' })).toEmit([{ reason: /^bad_/ }]),
    )) as Error
    expect(error.message).toContain('/^bad_/')
  })

  it('matches nested objects by the fields that are named, and texts by pattern', async () => {
    const { trail } = recording()
    await expectAudit(trail, () =>
      runInContext({ requestId: 'req-77' }, () => trail.record('login', { actor: { id: 7, label: 'Ada' } })),
    ).toEmit([{ actor: { id: '7' }, requestId: /^req-\d+$/, reason: null }])
  })

  it('holds a list with more in it for another list', async () => {
    const { trail } = recording()
    const action = (): Promise<void> => trail.record('profile_update', { details: { fields: ['bio', 'name'] } })
    await expectAudit(trail, action).toEmit([{ details: { fields: ['bio', 'name'] } }])
    await thrownBy(() => expectAudit(trail, action).toEmit([{ details: { fields: ['bio'] } }]))
  })

  it('does not mind what the action throws, at once or later', async () => {
    const { trail } = recording()
    await expectAudit(trail, async () => {
      await trail.record('login')
      throw new Error('401')
    }).toEmit([{ event: 'login' }])
    await expectAudit(trail, () => {
      throw new Error('at once')
    }).toEmitNothing()
  })

  it('waits for a row that the action did not wait for', async () => {
    const { trail } = recording({ transform: (row) => row })
    await expectAudit(trail, () => void trail.record('login')).toEmit([{ event: 'login' }])
  })

  it('counts only what came of the action', async () => {
    const { trail } = recording()
    await trail.record('login')
    await expectAudit(trail, () => trail.record('logout')).toEmit([{ event: 'logout' }])
    await trail.record('login')
    await sleep(1)
  })

  it('toEmitNothing fails for any row', async () => {
    const { trail } = recording()
    await expectAudit(trail, () => undefined).toEmitNothing()
    const error = await thrownBy(() => expectAudit(trail, () => trail.record('login')).toEmitNothing())
    expect((error as Error).message).toContain('expected 0 audit row(s): none')
  })
})
