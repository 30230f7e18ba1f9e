import { generateSync } from 'otplib'
import { describe, expect, it } from 'vitest'
import { Totp } from '../../packages/auth/dist/two-factor/totp.js'
import { codeOfStep } from '../support/authenticator.js'
import { oathtool, oathtoolInstalled } from '../support/oathtool.js'

// RFC 6238, appendix B: the same digits, as long as each algorithm wants them.
const digits = '1234567890'
const secrets = { sha1: digits.repeat(2), sha256: `${digits.repeat(3)}12`, sha512: `${digits.repeat(6)}1234` } as const
const moments = [
  [59, { sha1: '94287082', sha256: '46119246', sha512: '90693936' }],
  [1111111109, { sha1: '07081804', sha256: '68084774', sha512: '25091201' }],
  [1111111111, { sha1: '14050471', sha256: '67062674', sha512: '99943326' }],
  [1234567890, { sha1: '89005924', sha256: '91819424', sha512: '93441116' }],
  [2000000000, { sha1: '69279037', sha256: '90698825', sha512: '38618901' }],
  [20000000000, { sha1: '65353130', sha256: '77737706', sha512: '47863826' }],
] as const
// RFC 4226, appendix D: counters from 0 on.
const counted = '755224 287082 359152 969429 338314 254676 287922 162583 399871 520489'.split(' ')
const base32 = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const installed = oathtoolInstalled()

// MFA-01
describe('the vectors', () => {
  it.each(moments)('of RFC 6238 at %d are what the library makes', (epoch, codes) => {
    for (const algorithm of ['sha1', 'sha256', 'sha512'] as const) {
      const secret = Buffer.from(secrets[algorithm])
      expect(generateSync({ secret, epoch, digits: 8, algorithm })).toBe(codes[algorithm])
    }
  })

  it.each(moments)('of RFC 6238 at %d count, in six digits and of their own step', (epoch, { sha1 }) => {
    expect(new Totp('Countersign').stepOf(base32, sha1.slice(2), epoch * 1000)).toBe(Math.floor(epoch / 30))
  })

  it('of RFC 4226 are what the library makes, and the tests’ own authenticator', () => {
    const counters = counted.map((_, counter) => counter)
    expect(counters.map((counter) => generateSync({ strategy: 'hotp', secret: base32, counter }))).toEqual(counted)
    expect(counters.map((counter) => codeOfStep(base32, counter))).toEqual(counted)
  })

  it.runIf(installed)('and a thousand other codes are what oathtool makes', () => {
    const totp = new Totp('Countersign')
    const first = 1_800_000_000
    for (let round = 0; round < 5; round++) {
      const secret = totp.newSecret()
      const codes = oathtool('--totp', '--base32', '--window=199', `--now=@${first}`, secret).split('\n')
      expect(codes).toHaveLength(200)
      const steps = codes.map((code, index) => totp.stepOf(secret, code, (first + index * 30) * 1000))
      // Neighbours may have the same code, one in a million.
      expect(steps.filter((step, index) => step !== first / 30 + index).length).toBeLessThanOrEqual(1)
    }
  })
})

describe('a secret', () => {
  // MFA-22
  it('has 160 random bits, and is never the same', () => {
    const totp = new Totp('Countersign')
    const made = Array.from({ length: 1000 }, () => totp.newSecret())
    expect(new Set(made).size).toBe(1000)
    for (const secret of made) expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    // Every letter at every place: a generator that is stuck would show.
    for (let place = 0; place < 32; place++) expect(new Set(made.map((secret) => secret[place])).size).toBe(32)
  })

  it.each([
    ['Example & Sons', 'ada+x@example.org', 'Example%20%26%20Sons:ada%2Bx%40example.org', 'Example & Sons'],
    ['Größe', 'ada@example.org', 'Gr%C3%B6%C3%9Fe:ada%40example.org', 'Größe'],
    ['a?b=c#d/e', 'ada@example.org', 'a%3Fb%3Dc%23d%2Fe:ada%40example.org', 'a?b=c#d/e'],
  ])('of %j has an address in which nothing of it is syntax', (issuer, email, label, named) => {
    const uri = new Totp(issuer).uri(base32, email)
    expect(uri.startsWith(`otpauth://totp/${label}?`)).toBe(true)
    const { searchParams } = new URL(uri)
    expect([...searchParams]).toEqual([
      ['secret', base32],
      ['issuer', named],
    ])
  })

  it.each(['', ' ', 'a:b'])('of %j is refused: apps could not tell where the name ends', (issuer) => {
    expect(() => new Totp(issuer)).toThrow(expect.objectContaining({ code: 'SETTING_INVALID' }))
  })
})

describe('what is no code', () => {
  it.each(['', '94287', '9428708', ' 287082', '287082\n', '28708２', '0x1234', '1e5', '-87082'])(
    'is of no step: %j',
    (typed) => expect(new Totp('Countersign').stepOf(base32, typed, 59_000)).toBe(null),
  )
})
