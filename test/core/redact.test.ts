import { REDACTED, redact } from '@countersign/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const secret = 'hunter2-not-for-anybody'

/** The keys under which a value came through. */
function leaking(keys: readonly string[]): string[] {
  return keys.filter((key) => JSON.stringify(redact({ [key]: secret })).includes(secret))
}

describe('redact, by key', () => {
  it('takes out what stands under a secret-sounding key, in every usual spelling', () => {
    expect(
      leaking([
        ...['password', 'Password', 'PASSWORD', 'newPassword', 'confirm_password', 'old-password', 'passwd', 'pwd'],
        ...['passphrase', 'passcode', 'secret', 'clientSecret', 'CLIENT_SECRET', 'token', 'accessToken', 'id_token'],
        ...['Authorization', 'cookie', 'Set-Cookie', 'X-Api-Key', 'apiKey', 'APIKey', 'privateKey', 'private_key'],
        ...['signingKey', 'encryption-key', 'credentials', 'otp', 'totp', 'otpCode', 'backup_codes', 'recoveryCode'],
        ...['verification_code', 'securityCode', 'one_time_code', 'oneTimePassword', 'cardNumber', 'cvv', 'CVC', 'jwt'],
        ...['csrf', 'sessionKey', 'auth', 'code', 'codes', 'pin', 'PIN', 'pass', 'pan', 'ssn', 'iban', 'seed', 'sid'],
        ...['pw', 'userPw', 'PW', 'bearer', 'Bearer', 'recovery'],
      ]),
    ).toEqual([])
  })

  it('takes out what stands under the word apart, where camel case or a dash splits it', () => {
    expect(leaking(['passWord', 'PassWord', 'pass_word', 'pass-phrase', 'passPhrase', 'pass code'])).toEqual([])
  })

  it('takes out one-time codes, PINs, access keys and session identifiers by their compound names', () => {
    expect(
      leaking([
        ...['pinCode', 'mfa_code', 'twoFactorCode', '2fa_code', 'sms_code', 'auth_code', 'reset_code'],
        ...['userPass', 'smtp_pass', 'access_key', 'secretAccessKey', 'session_id', 'connect.sid'],
      ]),
    ).toEqual([])
  })

  it('takes out what stands under two words in one', () => {
    expect(
      leaking([
        ...[
          'apikey',
          'privatekey',
          'signingkey',
          'encryptionkey',
          'accesskey',
          'cardnumber',
          'sessionid',
          'onetime',
          'api--key',
        ],
        ...['backupcode', 'recoverycode', 'verificationcode', 'securitycode', 'pincode'],
      ]),
    ).toEqual([])
  })

  it('leaves what only resembles a secret key', () => {
    const plain = {
      country_code: 'NL',
      status_code: 404,
      passenger: 'Ada',
      author: 'Ada',
      encoder: 'x',
      opinion: 'y',
      pwa: 'z',
    }
    expect(redact(plain)).toEqual(plain)
  })

  it('takes out objects and lists as a whole', () => {
    expect(redact({ credentials: { user: 'ada', hint: [secret] }, tokens: [secret] })).toEqual({
      credentials: REDACTED,
      tokens: REDACTED,
    })
  })

  it('does not even read a secret', () => {
    let reads = 0
    redact({
      get password() {
        reads++
        return secret
      },
    })
    expect(reads).toBe(0)
  })

  it('lets no secret under a secret-sounding key through, at any depth', () => {
    const words = ['password', 'secret', 'token', 'cookie', 'api_key', 'otp', 'jwt', 'cvv', 'credential', 'csrf']
    const prefix = fc.constantFrom('', 'new_', 'user_', 'x_', 'the_old_')
    const spelling = fc.constantFrom(
      (key: string) => key,
      (key: string) => key.toUpperCase(),
      (key: string) => key.replaceAll('_', '-'),
      (key: string) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    )
    const key = fc
      .tuple(prefix, fc.constantFrom(...words), spelling)
      .map(([before, word, spell]) => spell(before + word))
    const wrap = fc.constantFrom(
      (inner: unknown, name: string): unknown => ({ [name]: inner }),
      (inner: unknown): unknown => [null, inner],
      (inner: unknown, name: string): unknown => new Map([[name, inner]]),
      (inner: unknown): unknown => new Set([inner]),
    )
    fc.assert(
      fc.property(key, fc.array(fc.tuple(wrap, fc.string()), { maxLength: 12 }), fc.anything(), (name, path, other) => {
        const leaf: unknown = { other, [name]: secret }
        const tree = path.reduce((inner, [around, at]) => around(inner, at), leaf)
        expect(JSON.stringify(redact(tree))).not.toContain(secret)
      }),
    )
  })
})

describe('redact, by value', () => {
  const jwt = `eyJhbGciOiJFZERTQSJ9.${'c'.repeat(40)}.${'s'.repeat(40)}`

  it.each([
    ['a JSON web token', jwt],
    ['a token inside a sentence', `the header was ${jwt}, sadly`],
    ['a bearer header', 'Authorization: Bearer abcdef0123456789'],
    ['a basic header', 'Basic YWRhOmh1bnRlcjI='],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk'],
    ['an Argon2 hash', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA'],
    ['a bcrypt hash', '$2b$10$abcdefghijklmnopqrstuv'],
    ['an otpauth address', 'otpauth://totp/Ada?secret=JBSWY3DPEHPK3PXP'],
    ['a token in a query', 'https://example.org/verify?token=abcd1234'],
    ['a bearer header with room in it', 'Bearer  \t abcdef0123456789'],
    ['a bearer header split by a tab', 'Bearer\tabcdef0123456789'],
    ['an encrypted web token without a key part', `eyJhbGciOiJkaXIifQ..${'i'.repeat(16)}.${'c'.repeat(40)}.dGFn`],
    ['a token longer than the bound of a text', `eyJhbGciOiJFZERTQSJ9.${'c'.repeat(2000)}.${'s'.repeat(40)}`],
    ['the password hash of a Django seed', `pbkdf2_sha256$600000$c2FsdA$${'h'.repeat(43)}=`],
    ['an API key in a query', 'https://example.org/?api_key=abcd1234'],
    ['an API key in a query, in one word', 'https://example.org/?a=1&apikey=abcd1234'],
    ['a token of GitHub', `pushed with ghp_${'a1B2'.repeat(9)}`],
    ['a fine-grained token of GitHub', `github_pat_${'a1B2'.repeat(5)}_${'c3D4'.repeat(14)}`],
    ['an access key of AWS', 'AKIAIOSFODNN7EXAMPLE'],
    ['a live key of Stripe', 'sk_live_4eC39HqLyjWDarjtT1zdp7dc'],
    ['a restricted test key of Stripe', 'rk_test_4eC39HqLyjWDarjtT1zdp7dc'],
    ['the shortest password in an address', '://a:b@c'],
    ['the password in an address', 'postgres://ada:hunter2@db.internal/app'],
  ])('takes out %s', (_, text) => {
    const { note } = redact({ note: text }) as { note: string }
    expect(note.slice(0, 100)).toBe(REDACTED)
  })

  it('takes out a secret in the message of an error', () => {
    expect(redact(new TypeError(`rejected ${jwt}`))).toEqual({ name: 'TypeError', message: REDACTED })
  })

  it('leaves ordinary texts', () => {
    const plain = [
      'usr_01J9ZKXW3N7Q8R9S0T1V2W3X4Y',
      'highp_precision_in_the_shader',
      'AKIA',
      'the basics',
      'order 4711',
      'https://example.org/a?page=2',
      'https://example.org/a?code=abc',
      'eyJhbGciOiJIUzI1NiJ9.short',
      'a bearer of news',
      'back to basic needs',
      '$5.00 and $10 off',
      'sk_live_abc',
      'AKIAB is none',
      'ünïcödé 🦊',
    ]
    expect(redact(plain)).toEqual(plain)
  })
})

describe('redact, by form', () => {
  it('gives plain JSON for what JSON has no word for', () => {
    expect(
      redact({
        date: new Date(0),
        never: new Date(Number.NaN),
        big: 12n,
        nan: Number.NaN,
        none: undefined,
        call: () => 1,
        symbol: Symbol('s'),
        bytes: new Uint8Array(3),
        set: new Set([1, 2]),
        map: new Map([['a', 1]]),
      }),
    ).toEqual({
      date: '1970-01-01T00:00:00.000Z',
      never: null,
      big: '12',
      nan: 'NaN',
      none: null,
      call: null,
      symbol: null,
      bytes: '[binary, 3 bytes]',
      set: [1, 2],
      map: { a: 1 },
    })
  })

  it('copies what is left of an object of a class, of bytes and of an error', () => {
    class Invoice {
      readonly id = 'i-1'
      readonly paid = true
    }
    expect(
      redact([
        new Invoice(),
        Object.assign(Object.create(null), { id: 'i-2' }),
        new ArrayBuffer(4),
        new DataView(new ArrayBuffer(5)),
        Number.POSITIVE_INFINITY,
        Object.assign(new Error('why'), { name: `E\n${'x'.repeat(200)}` }),
      ]),
    ).toEqual([
      { id: 'i-1', paid: true },
      { id: 'i-2' },
      '[binary, 4 bytes]',
      '[binary, 5 bytes]',
      'Infinity',
      { name: `E\ufffd${'x'.repeat(97)}…`, message: 'why' },
    ])
  })

  it('says where it could not look, and goes on beside it as if it had not', () => {
    const closed = () =>
      new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('no')
          },
        },
      )
    const shy = {
      get field() {
        throw new Error('no')
      },
      other: 1,
    }
    const many = Array.from({ length: 20 }, closed)
    expect(redact([shy, ...many, { a: { b: 1 } }])).toEqual([
      { field: '[unreadable]', other: 1 },
      ...many.map(() => '[unreadable]'),
      { a: { b: 1 } },
    ])
  })

  it('keeps the values of a map whose keys are no texts', () => {
    expect(redact(new Map([[7, 'seven']]))).toEqual({ 7: 'seven' })
  })

  it('names a circle instead of walking it', () => {
    const ring: Record<string, unknown> = { name: 'ring' }
    ring.self = ring
    expect(redact(ring)).toEqual({ name: 'ring', self: '[circular]' })
  })

  it('shows what occurs twice twice, as it is no circle', () => {
    const shared = { a: 1 }
    expect(redact([shared, shared])).toEqual([shared, shared])
  })

  it('does not let a key reach the prototype', () => {
    const copy = redact(JSON.parse('{"__proto__":{"admin":true},"constructor":"x"}')) as Record<string, unknown>
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
    expect(copy.admin).toBeUndefined()
  })
})
