import { Secrets } from '@countersign/auth'
import { describe, expect, it } from 'vitest'
import { Sealing } from '../../packages/auth/dist/store/sealing.js'
import { secret } from '../support/auth-systems.js'

const secrets = new Secrets(secret)
const sealing = new Sealing(secrets, 'totp-secret')
const unopened = expect.objectContaining({ code: 'KEY_INVALID' })

describe('what is sealed', () => {
  it('opens for whom it was sealed, and never looks the same', () => {
    const sealed = Array.from({ length: 100 }, () => sealing.seal('GEZDGNBVGY3TQOJQ', 'ada'))
    expect(new Set(sealed).size).toBe(100)
    for (const one of sealed) expect(sealing.open(one, 'ada')).toBe('GEZDGNBVGY3TQOJQ')
    expect(sealing.open(sealing.seal('', 'ada'), 'ada')).toBe('')
  })

  it('does not open for another owner, another purpose or another secret', () => {
    const sealed = sealing.seal('GEZDGNBVGY3TQOJQ', 'ada')
    expect(() => sealing.open(sealed, 'bob')).toThrow(unopened)
    expect(() => new Sealing(secrets, 'signing-key').open(sealed, 'ada')).toThrow(unopened)
    expect(() => new Sealing(new Secrets(`${secret}!`), 'totp-secret').open(sealed, 'ada')).toThrow(unopened)
  })

  it('does not open when any bit of it was turned, or any byte is missing', () => {
    const sealed = Buffer.from(sealing.seal('GEZDGNBVGY3TQOJQ', 'ada'), 'base64url')
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const turned = Buffer.from(sealed)
      turned[bit >> 3] = (turned[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(() => sealing.open(turned.toString('base64url'), 'ada')).toThrow(unopened)
    }
    for (let length = 0; length < sealed.length; length++)
      expect(() => sealing.open(sealed.subarray(0, length).toString('base64url'), 'ada')).toThrow(unopened)
  })
})
