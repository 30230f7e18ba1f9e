import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { drivers } from '../support/drivers.js'
import { loginServer, right } from '../support/login-server.js'
import { onlyRow } from '../support/recording.js'

for (const driver of drivers) {
  describe(`on ${driver.name}`, () => {
    const { sink, trail, server, url, attempt } = loginServer(driver)

    describe('an audited route leaves exactly one row, with the outcome that the client saw', () => {
      it.each([
        ['a result', '/ok', 200, 'success', null],
        ['a returned 4xx', '/returned', 400, 'failure', 'invalid_request'],
        ['a set 401 with a body', '/set', 401, 'failure', 'unauthenticated'],
        ['a sent 401', '/sent', 401, 'failure', 'unauthenticated'],
        ['a thrown error', '/thrown', 401, 'failure', 'bad_credentials'],
        ['a crash', '/crashed', 500, 'failure', 'internal_error'],
        ['a void result that becomes 404', '/void', 404, 'failure', 'not_found'],
        ['a throwing interceptor', '/intercepted', 500, 'failure', 'internal_error'],
        ['an unserialisable result', '/circular', 500, 'failure', 'internal_error'],
        ['a guard that refuses an anonymous caller', '/guarded', 401, 'denied', 'unauthenticated'],
        ['a guard that refuses a role', '/admin', 403, 'denied', 'forbidden'],
        ['a streamed response', '/streamed', 200, 'success', null],
      ] as const)('for %s', async (_title, path, status, outcome, reason) => {
        const answer = await attempt(path)
        expect(answer.status).toBe(status)
        expect(onlyRow(sink)).toMatchObject({ event: 'login', outcome, reason, status, className: 'LoginController' })
        expect(onlyRow(sink)).toMatchObject({ route: `/login${path}`, httpMethod: 'POST', address: '127.0.0.1' })
      })

      it('for an anonymous caller who is throttled by identifier, then by address', async () => {
        for (let wrong = 0; wrong < 5; wrong++) expect((await attempt('/throttled')).status).toBe(401)
        const byIdentifier = await attempt('/throttled')
        expect(byIdentifier.status).toBe(429)
        expect(Number(byIdentifier.headers.get('retry-after'))).toBeGreaterThan(0)
        expect(byIdentifier.headers.get('retry-after')).toMatch(/^\d+$/)
        expect(JSON.parse(byIdentifier.text)).toMatchObject({ status: 429, code: 'throttled' })
        expect(sink.rows).toHaveLength(6)
        expect(sink.rows[5]).toMatchObject({
          outcome: 'denied',
          reason: 'throttled',
          status: 429,
          scope: 'login',
          limit: 5,
          actor: { type: 'anonymous' },
        })
        const others = [
          await attempt('/throttled', { email: 'b@example.org', password: 'x' }),
          await attempt('/throttled', { email: 'c@example.org', password: 'x' }),
        ]
        expect(others.map(({ status }) => status)).toEqual([401, 401])
        const byAddress = await attempt('/throttled', 'not even JSON')
        expect(byAddress.status).toBe(429)
        expect(byAddress.headers.get('ratelimit-limit')).toBe('8')
        expect(sink.rows).toHaveLength(9)
        expect(sink.rows[8]).toMatchObject({ outcome: 'denied', reason: 'throttled', limit: 8, attempted: null })
      })

      it('and keeps what was typed as a hash and a masked form only', async () => {
        await attempt('/thrown', { email: 'hunter2@secret.org', password: 'hunter2' })
        const row = onlyRow(sink)
        expect(row.attempted?.masked).toBe('h***@s***.org')
        expect(row.attempted?.hash).toBe(trail.identifierHash(' Hunter2@SECRET.org '))
        expect(JSON.stringify(row)).not.toContain('hunter2')
      })

      it('for a client that leaves before the body is complete', async () => {
        const { port } = new URL(url())
        const asked = once(server(), 'request')
        const socket = connect(Number(port), '127.0.0.1')
        socket.write(
          'POST /login/ok HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"email":',
        )
        await asked
        socket.destroy()
        await expect.poll(() => sink.rows.length).toBe(1)
        expect(onlyRow(sink)).toMatchObject({ outcome: 'failure', reason: 'client_disconnected' })
      })
    })

    describe('what a request claims about itself', () => {
      it('is believed of X-Forwarded-For only from trusted proxies', async () => {
        await attempt('/ok', right, { 'x-forwarded-for': '203.0.113.9' })
        expect(onlyRow(sink)).toMatchObject({ address: '127.0.0.1', proxies: null })
      })

      it('is taken over as request id when it is well-formed, else replaced', async () => {
        await attempt('/ok', right, { 'x-request-id': 'req-7.A_b' })
        await attempt('/ok', right, { 'x-request-id': 'x'.repeat(65) })
        await attempt('/ok', right, { 'x-request-id': '<script>' })
        expect(sink.rows[0]?.requestId).toBe('req-7.A_b')
        for (const row of sink.rows.slice(1)) expect(row.requestId).toMatch(/^[0-9a-f-]{36}$/)
      })

      it('never breaks a row: ten kilobytes of user agent are bounded, control characters replaced', async () => {
        await attempt('/ok', right, { 'user-agent': `evil\u00a0${'x'.repeat(10_000)}` })
        expect(onlyRow(sink).userAgent?.length).toBe(512)
      })
    })
  })
}
