import { createPublicKey, type webcrypto } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeAll, describe, expect, it } from 'vitest'
import { places } from '../support/auth-systems.js'
import { codedWith, partsOf, signedBy, signedByItself } from '../support/forged-tokens.js'
import { type BearerTokens, sessionJourneys } from '../support/session-journeys.js'

const email = 'ada@example.org'
const other = '01900000-0000-7000-8000-000000000000'

for (const { name, here, make } of places) {
  describe.runIf(here)(`access tokens that were not issued, on ${name}`, () => {
    const on = sessionJourneys(make)
    let good: BearerTokens
    let claims: Record<string, unknown>
    let header: Record<string, unknown>
    beforeAll(async () => {
      await on.account(email)
      good = await on.tokens(email)
      ;({ claims, header } = partsOf(good.access))
    })
    const resigned = (changes: object, head: object = {}) =>
      signedByItself(on.system.auth.services.signingKeys, { ...header, ...head }, { ...claims, ...changes })

    it('would be taken if they were signed and right in every claim', async () => {
      expect([await on.status(good.access), await on.status(await resigned({}))]).toEqual([200, 200])
    })

    // JWT-02
    it('are refused when the public key is taken for a secret', async () => {
      const { keys } = (await on.client().get('/.well-known/jwks.json')).json
      const pem = createPublicKey({ key: keys[0], format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString()
      const secrets = [
        pem,
        pem.trim(),
        ` ${pem}`,
        `${pem}\n`,
        Buffer.from(keys[0].x, 'base64url'),
        JSON.stringify(keys[0]),
      ]
      for (const secret of secrets)
        expect(await on.status(codedWith(secret, { ...header, alg: 'HS256' }, claims))).toBe(401)
      expect(await on.status(codedWith('', { ...header, alg: 'none' }, claims))).toBe(401)
    })

    // JWT-04
    it('are refused with a key that they bring along or point to, and nobody is asked for one', async () => {
      const { privateKey, publicKey } = (await crypto.subtle.generateKey('Ed25519', true, [
        'sign',
        'verify',
      ])) as webcrypto.CryptoKeyPair
      const jwk = { ...(await crypto.subtle.exportKey('jwk', publicKey)), kid: header.kid, alg: 'EdDSA' }
      let asked = 0
      const server = createServer((_request, response) => {
        asked++
        response.end(JSON.stringify({ keys: [jwk] }))
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
      for (const extra of [
        { jwk },
        { jku: url },
        { x5u: url },
        { x5c: ['MIIB'] },
        { kid: undefined, jwk },
        { kid: url },
      ])
        expect(await on.status(await signedBy(privateKey, { ...header, ...extra }, claims))).toBe(401)
      server.close()
      expect(asked).toBe(0)
    })

    // JWT-06
    it('are refused with one bit of any part changed, and with a signature cut short', async () => {
      const parts = good.access.split('.')
      for (const index of [0, 1, 2]) {
        const bytes = Buffer.from(parts[index] as string, 'base64url')
        for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
          const flipped = Buffer.from(bytes)
          flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at)
          const changed = parts.with(index, flipped.toString('base64url')).join('.')
          expect(await on.status(changed), `${index}, ${at}`).toBe(401)
        }
      }
      const [head = '', body = '', signature = ''] = parts
      for (const cut of ['', signature.slice(0, 40), Buffer.alloc(64).toString('base64url')])
        expect(await on.status([head, body, cut].join('.'))).toBe(401)
    })

    const now = Math.floor(Date.now() / 1000)
    // JWT-07, JWT-08, JWT-09, JWT-11: signed by the system's own key, so that only the claim is wrong.
    it.each<[string, object]>([
      ['that expired', { iat: now - 700, exp: now - 6 }],
      ['for later', { nbf: now + 3600 }],
      ['issued in the future', { iat: now + 3600, exp: now + 4000 }],
      ['without an end', { exp: undefined }],
      ['that end at a text', { exp: String(now + 600) }],
      ['that end never', { iat: 1, exp: 1e300 }],
      ['that ended before 1970', { exp: -1 }],
      ['without a beginning', { iat: undefined }],
      ['for somebody else', { aud: 'another-api' }],
      ['for nobody', { aud: undefined }],
      ['for several', { aud: ['countersign-api', 'another-api'] }],
      ['from somebody else', { iss: 'https://evil.example' }],
      ['from nobody', { iss: undefined }],
      ['without an id', { jti: undefined }],
      ['of an unknown account', { sub: other }],
      ['of no account', { sub: 'x' }],
      ['of an unknown session', { sid: other }],
      ['of no session', { sid: undefined }],
      ['of a version that is a text', { tv: '0' }],
      ['of a version before', { tv: -1 }],
      ['of a version to come', { tv: 1 }],
      ['of a version beyond all', { tv: 1e300 }],
      ['of a version that no column holds', { tv: 2 ** 40 }],
      ['of half a version', { tv: 0.5 }],
      ['of no version', { tv: undefined }],
    ])('are refused %s', async (_title, changes) => {
      expect(await on.status(await resigned(changes))).toBe(401)
    })

    it.each<[string, object]>([
      ['another type', { typ: 'JWT' }],
      ['no type', { typ: undefined }],
      ['an extension that must be understood', { crit: ['exp'] }],
      ['a key that is none', { kid: '../../etc/passwd' }],
      ['a key that is unknown', { kid: other }],
      ['a key that is no text', { kid: { $ne: '' } }],
    ])('are refused with %s in the header', async (_title, changes) => {
      expect(await on.status(await resigned({}, changes))).toBe(401)
    })

    it.each([[['a', 'list']], ['a text'], [null], [7]])('are refused when they say %j', async (said) => {
      expect(await on.status(await signedByItself(on.system.auth.services.signingKeys, header, said))).toBe(401)
    })

    // JWT-09
    it('are no refresh tokens, and refresh and mailed tokens are no access tokens', async () => {
      expect((await on.refresh(good.access)).status).toBe(401)
      const csrf = (await on.get('/api/auth/csrf', good.access)).json.csrf_token
      for (const token of [good.refresh, csrf, await on.resetToken(email)]) {
        expect(await on.status(token)).toBe(401)
        expect((await on.client().post('/api/auth/token/verify', { token })).status).toBe(401)
      }
      for (const token of [good.access, csrf]) expect((await on.refresh(token)).status).toBe(401)
    })

    // JWT-17
    it('are answered the same, whatever is wrong with them', async () => {
      const ended = await on.tokens(email)
      await on.client().post('/api/auth/logout', {}, { authorization: `Bearer ${ended.access}` })
      const bad = ['x', ended.access, await resigned({ exp: now - 60 }), await resigned({ sub: other })]
      const answers = await Promise.all(bad.map((token) => on.get('/api/auth/csrf', token)))
      expect(new Set(answers.map(({ text }) => text.replace(/"request_id":"[^"]*"/, ''))).size).toBe(1)
      for (const { status, headers, json } of answers) {
        expect([status, json.code]).toEqual([401, 'unauthenticated'])
        expect(headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
      }
      expect((await on.client().get('/api/auth/csrf')).headers.get('www-authenticate')).toBe('Bearer')
    })
  })
}
