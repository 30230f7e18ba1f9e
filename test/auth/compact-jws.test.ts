import { createPrivateKey, createPublicKey, createSecretKey, generateKeyPairSync, verify } from 'node:crypto'
import { createVerifier } from 'fast-jwt'
import { describe, expect, it } from 'vitest'
import { compactJws } from '../../packages/auth/dist/sessions/compact-jws.js'

// RFC 8037, appendix A.
const ed25519 = {
  ...{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
  ...{ d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A' },
}

// JWT-16
describe('a JWS', () => {
  it('of RFC 8037 is made as it stands there', () => {
    const key = createPrivateKey({ key: ed25519, format: 'jwk' })
    expect(compactJws({ alg: 'EdDSA' }, 'Example of Ed25519 signing', key)).toBe(
      'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6' +
        'dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
    )
  })

  it.each([
    ['EdDSA', createPrivateKey({ key: ed25519, format: 'jwk' })],
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['HS256', createSecretKey(Buffer.alloc(32, 7))],
  ] as const)('of %s is verified by another library, with all that it says', (alg, key) => {
    const claims = { sub: 'ada', name: 'Žofie 🦊' }
    const token = compactJws({ alg, typ: 'at+jwt', kid: 'one' }, JSON.stringify(claims), key)
    const verifying =
      key.type === 'secret' ? key.export() : createPublicKey(key).export({ type: 'spki', format: 'pem' })
    const verified: unknown = createVerifier({ key: verifying, algorithms: [alg], complete: true })(token)
    expect(verified).toMatchObject({ header: { alg, typ: 'at+jwt', kid: 'one' }, payload: claims })
  })

  it('of HS256 is made with 32 bytes or more', () => {
    const short = createSecretKey(Buffer.alloc(31, 7))
    expect(() => compactJws({ alg: 'HS256' }, '{}', short)).toThrow('at least 32 bytes, and has 31')
  })

  it('of ES256 has its numbers at their full width, whatever they are', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    // One in 128 has a number that begins with zeros.
    for (let count = 0; count < 600; count++) {
      const [header, payload, signature = ''] = compactJws({ alg: 'ES256' }, String(count), privateKey).split('.')
      const bytes = Buffer.from(signature, 'base64url')
      expect(bytes).toHaveLength(64)
      const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
      expect(verify('sha256', Buffer.from(`${header}.${payload}`), key, bytes)).toBe(true)
    }
  })
})
