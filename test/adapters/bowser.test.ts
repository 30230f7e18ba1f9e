import { bowserDevice } from '@countersign/adapters/bowser'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

describe('bowserDevice', () => {
  it('names browser, system and kind of device', () => {
    expect(bowserDevice()(firefox)).toEqual({ browser: 'Firefox', os: 'Linux', type: 'desktop' })
  })

  it.each(['', '   '])('knows nothing of %j', (userAgent) => expect(bowserDevice()(userAgent)).toBeNull())

  it('answers for anything without throwing', () => {
    const device = bowserDevice()
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), (userAgent) => {
        expect(device(userAgent)).toSatisfy((found) => found === null || typeof found === 'object')
      }),
    )
  })

  it('answers the same when it remembers and when it has forgotten', () => {
    const device = bowserDevice({ remember: 2 })
    const first = device(firefox)
    expect(device(firefox)).toBe(first)
    for (let index = 0; index < 10; index++) device(`curl/${index}`)
    expect(device(firefox)).toEqual(first)
  })
})
