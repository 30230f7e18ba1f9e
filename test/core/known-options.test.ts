import { createAuditTrail, fanOutSink, memorySink } from '@countersign/core'
import { fileSpool } from '@countersign/core/spool'
import { describe, expect, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'

const sink = memorySink()
const made = (options: object) => () => createAuditTrail({ sink, ...options } as never)
const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

describe('an option that nobody reads is refused, with the names of those that are read', () => {
  it.each([
    [{ polices: {} }, /'polices'.*sink, spool.*policies/],
    [{ floods: { windw: 5 } }, /floods has no option 'windw'.*window, budget, flush, maxKeys/],
    [{ floods: true }, /floods must be an object.*true/],
    [{ floods: [] }, /floods must be an object/],
    [{ metrics: {} }, /metrics needs the methods stored, lost, batch, gauges/],
    [{ metrics: true }, /metrics needs/],
    [{ metrics: null }, /metrics needs/],
    [{ veto: true }, /veto must be a function, and was true/],
    [{ transform: {} }, /transform must be a function/],
    [{ device: 'bowser' }, /device must be a function/],
  ])('of a trail: %o', (options, message) => {
    expect(made(options)).toThrow(refused('SETTING_INVALID', message))
  })

  it.each([
    [{ login: 'joined' }, /The policy of 'login' must be an object.*delivery, unreachable.*'joined'/],
    [{ login: null }, /The policy of 'login' must be an object.*null/],
    [{ login: { delivry: 'deferred' } }, /'delivry'.*delivery, unreachable/],
    [{ login: { delivery: 'late' } }, /delivery: 'late'.*'joined', 'awaited', 'deferred'/],
    [{ login: { unreachable: 'shut' } }, /unreachable: 'shut'.*'closed', 'spool', 'open'/],
    [true, /policies must be an object.*true/],
    [[], /policies must be an object/],
  ])('of policies: %o', (policies, message) => {
    expect(made({ policies })).toThrow(refused('POLICY_INVALID', message))
  })

  it('of a fan-out', () => {
    const options = { sinks: [sink], copys: [memorySink()] }
    expect(() => fanOutSink(options)).toThrow(refused('SETTING_INVALID', /'copys'.*sinks, copies, onCopyFailed/))
  })

  it('of a spool', () => {
    const options = { folder: freshFolder(), maxByte: 10 }
    expect(() => fileSpool(options)).toThrow(refused('SETTING_INVALID', /'maxByte'.*folder, maxBytes, segmentBytes/))
  })
})

it('a bound of a spool that is none is refused with what it was', () => {
  expect(() => fileSpool({ folder: freshFolder(), maxBytes: '10' as never })).toThrow(
    refused('SPOOL_INVALID', /maxBytes.*'10'/),
  )
})

it('an option that is undefined is one that was left out', async () => {
  const policies = { login: undefined }
  await createAuditTrail({ sink, policies, floods: undefined, metrics: undefined, spool: undefined } as never).close()
})

describe('a spool', () => {
  it('has one trail, also when that is closed, and a trail that could not be made has taken none', async () => {
    const spool = fileSpool({ folder: freshFolder() })
    expect(made({ spool, policies: { login: 'joined' } })).toThrow(refused('POLICY_INVALID', /login/))
    const trail = createAuditTrail({ sink, spool })
    const another = refused('SPOOL_INVALID', /another trail/)
    expect(made({ spool })).toThrow(another)
    await trail.close()
    expect(made({ spool })).toThrow(another)
  })
})
