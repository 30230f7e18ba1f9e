import { describe, expect, it } from 'vitest'
import { drivers } from '../support/drivers.js'
import { loginServer, right } from '../support/login-server.js'
import { onlyRow } from '../support/recording.js'

for (const driver of drivers) {
  describe(`on ${driver.name}`, () => {
    const { sink, attempt } = loginServer(driver)

    describe('a body that is refused leaves exactly one row', () => {
      it('for a body that fails validation, without repeating it', async () => {
        const answer = await attempt('/ok', { email: 'hunter2', password: 7, isAdmin: true })
        expect(answer.status).toBe(400)
        expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
        expect(answer.text).not.toContain('hunter2')
        expect(answer.text).not.toContain('isAdmin')
        expect(JSON.parse(answer.text)).toMatchObject({
          status: 400,
          code: 'validation_failed',
          request_id: onlyRow(sink).requestId,
        })
        expect(onlyRow(sink)).toMatchObject({ outcome: 'failure', reason: 'validation_failed', status: 400 })
      })

      it.each([
        ['malformed JSON', '{"email": "hunter2', 400, 'malformed_body'],
        ['a number', '7', 400, 'malformed_body'],
        ['null', 'null', 400, 'malformed_body'],
        ['an array instead of an object', '[{"email":"a@b.co","password":"x"}]', 400, 'malformed_body'],
        ['an empty body', '', 400, 'validation_failed'],
        ['invalid UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), 400, 'malformed_body'],
        ['nesting ten thousand deep', `{"email":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 400, 'malformed_body'],
        [
          'a prototype in the body',
          '{"email":"a@b.co","password":"x","__proto__":{"isAdmin":true}}',
          400,
          'malformed_body',
        ],
        [
          'a prototype whose name is escaped',
          '{"email":"a@b.co","password":"x","\\u005f_proto__":{"isAdmin":true}}',
          400,
          'malformed_body',
        ],
        [
          'a prototype that is escaped from end to end, behind an escaped quote',
          '{"email":"\\"\\\\","password":"x","\\u005F\\u005f\\u0070\\u0072\\u006F\\u0074\\u006f\\u005f_" :{}}',
          400,
          'malformed_body',
        ],
        ['a body over the limit', `{"email":"${'a'.repeat(200_000)}"}`, 413, 'payload_too_large'],
      ] as const)('for %s', async (_title, body, status, reason) => {
        const answer = await attempt('/ok', body)
        expect(answer.status).toBe(status)
        expect(JSON.parse(answer.text)).toMatchObject({ status, code: reason })
        expect(answer.text).not.toContain('hunter2')
        expect(onlyRow(sink)).toMatchObject({ outcome: 'failure', reason, status })
      })

      it.each([
        ['escapes of other letters', '\\u00e9\\u005f'],
        ['the name as a text', '__proto__'],
        ['the name as an escaped text, quotes and all', 'x \\"\\u005f_proto__\\": y'],
        ['an escape that is escaped', '\\\\u005f_proto__'],
      ])('but none for %s in a value', async (_title, password) => {
        await attempt('/ok', `{"email":"a@b.co","password":"${password}"}`)
        expect(onlyRow(sink)).toMatchObject({ outcome: 'success', status: 200 })
      })

      it.each(['text/plain', 'application/vnd.api+json', 'application/json; charset=utf-7'])(
        'for the media type %s',
        async (type) => {
          const answer = await attempt('/ok', JSON.stringify(right), { 'content-type': type })
          expect(answer.status).toBe(415)
          expect(onlyRow(sink)).toMatchObject({ outcome: 'failure', reason: 'unsupported_media_type', status: 415 })
        },
      )
    })
  })
}
