import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { adminLink, Secrets } from '@countersign/auth'
import type { AuditRow } from '@countersign/core'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { quickest, secret, startSystem, unlimited } from '../support/auth-systems.js'
import { password, passwordJourneys, plain } from '../support/password-journeys.js'
import { pwnedRangesServer, sha1 } from '../support/pwned-ranges-server.js'

const leaked = 'every bird sings the same song'
const padded = 'no bird ever sang this one song'
const fresh = 'seven clouds over a green harbour'
const publicUrl = 'http://127.0.0.1:3000'

const ranges = await pwnedRangesServer()
ranges.seen.set(leaked, 31).set(padded, 0)
afterAll(() => ranges.close())
beforeEach(() => {
  ranges.fails = null
  ranges.requests.length = 0
})

const others = Buffer.from(`${'0'.repeat(35)}:1\r\n`.repeat(1000))
const bomb = gzipSync(Buffer.concat(Array.from({ length: 400 }, () => others)))
async function* endlessly(): AsyncGenerator<Buffer> {
  for (;;) yield others
}

const outages: Array<[string, string, NonNullable<typeof ranges.fails>]> = [
  ['nobody answers in time', 'TimeoutError', () => undefined],
  ['an answer never ends', 'TimeoutError', (response) => response.write('0')],
  ['the answer is 500', 'HTTP_500', (response) => response.writeHead(500).end()],
  ['the answer is 429', 'HTTP_429', (response) => response.writeHead(429, { 'retry-after': '2' }).end()],
  ['the answer is a page', 'ANSWER_INVALID', (response) => response.end('<html>Please log in.</html>')],
  ['the answer is empty', 'ANSWER_INVALID', (response) => response.end()],
  ['the answer is endless', 'ANSWER_INVALID', (response) => Readable.from(endlessly()).pipe(response)],
  [
    'the answer is a compressed bomb',
    'ANSWER_INVALID',
    (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
  ],
  ['the answer leads elsewhere', 'HTTP_302', (response) => response.writeHead(302, { location: ranges.url }).end()],
  ['the connection breaks', 'UND_ERR_SOCKET', (response) => response.destroy()],
]

const settings = { limits: unlimited, breachedPasswords: { url: ranges.url, timeout: 1 } }

// PWD-09
describe('a password that is chosen', () => {
  const on = passwordJourneys(quickest, settings)
  const signUp = (email: string, typed: string) =>
    on.client().post('/api/auth/signup', { email, password: typed, confirm_password: typed })
  const degradations = async (): Promise<AuditRow[]> =>
    (await on.system.rows()).filter(({ event }) => event.startsWith('degradation'))

  it('is no breached one: refuses one that was seen, at a sign-up, a change, a reset and by a link', async () => {
    const { email } = await on.account('ada@example.org')
    const token = await on.resetToken(email)
    const secrets = new Secrets(secret)
    const link = new URL(await adminLink({ secrets, publicUrl, email: 'root@example.org' }))
    const answers = [
      await signUp('grace@example.org', leaked),
      await on.change(await on.session(email), password, leaked),
      await on.confirm(token, leaked),
      await on.confirm(link.searchParams.get('token') ?? '', leaked),
    ]
    for (const { status, json } of answers) expect([status, json.code]).toEqual([400, 'password_breached'])
    await expect(on.system.auth.services.accounts.ensureAdmin('first@example.org', leaked)).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      message: expect.stringMatching(/^ADMIN_PASSWORD is refused: .* leak/),
    })
    // RST-15
    expect((await on.confirm(token, fresh)).status).toBe(200)
    expect(await on.login(email, fresh)).toBe(200)
  })

  it('leaves a row that says why it was refused', async () => {
    const rows = await on.rowsOf(() => signUp('grace@example.org', leaked))
    expect(rows).toMatchObject([{ event: 'signup', outcome: 'failure', reason: 'password_breached', status: 400 }])
  })

  it('is none because it is padding: takes one whose count is zero', async () => {
    expect((await signUp('padded@example.org', padded)).status).toBe(202)
  })

  it('asks for a range of five digits, padded, and tells nothing else of itself', async () => {
    await signUp('five@example.org', leaked)
    expect(ranges.requests).toHaveLength(1)
    const { method, url, headers, body } = ranges.requests[0] as (typeof ranges.requests)[number]
    expect([method, url, body]).toEqual(['GET', `/range/${sha1(leaked).slice(0, 5)}`, ''])
    expect(headers['add-padding']).toBe('true')
    const sent = JSON.stringify([url, headers]).toLowerCase()
    for (const kept of [sha1(leaked).slice(5), sha1(leaked).slice(0, 6), leaked, 'five@example.org'])
      expect(sent).not.toContain(kept.toLowerCase())
  })

  it('is asked about in one Unicode form', async () => {
    const typed = 'le caf\u00e9 de la gare est ferm\u00e9'
    for (const form of [typed.normalize('NFC'), typed.normalize('NFD')]) await signUp('forms@example.org', form)
    expect(new Set(ranges.requests.map(({ url }) => url))).toEqual(new Set([`/range/${sha1(typed).slice(0, 5)}`]))
  })

  it('is asked about once, and answered alike, whether or not the address is taken', async () => {
    await on.account('taken@example.org')
    for (const typed of [leaked, fresh]) {
      ranges.requests.length = 0
      const answers = [
        await signUp('taken@example.org', typed),
        await signUp(`free-${typed.length}@example.org`, typed),
      ]
      expect(new Set(answers.map(plain)).size).toBe(1)
      expect(ranges.requests).toHaveLength(2)
    }
  })

  it('is in force when it is one: no login asks, right or wrong', async () => {
    await on.account('in@example.org')
    ranges.requests.length = 0
    expect([await on.login('in@example.org', password), await on.login('in@example.org', leaked)]).toEqual([200, 401])
    expect(ranges.requests).toEqual([])
  })

  it.each(outages)('where %s, is accepted, and two rows tell of the outage', async (what, error, fails) => {
    const before = (await degradations()).length
    const reaction = { component: 'breached_passwords', reaction: 'accept' }
    ranges.fails = fails
    for (const nth of ['first', 'second'])
      expect((await signUp(`${nth}-${what.replaceAll(' ', '-')}@example.org`, fresh)).status).toBe(202)
    ranges.fails = null
    expect((await signUp('later@example.org', fresh)).status).toBe(202)
    await expect.poll(async () => (await degradations()).length - before).toBe(2)
    const [start, end] = (await degradations()).slice(before)
    expect(start).toMatchObject({ event: 'degradation_start', outcome: 'failure', details: { ...reaction, error } })
    expect(start).toMatchObject({
      actor: { type: 'service', id: 'breached_passwords' },
      address: null,
      requestId: null,
    })
    expect(end).toMatchObject({ event: 'degradation_end', outcome: 'success', details: reaction })
  })
})

describe('while nobody answers, a password', () => {
  const on = passwordJourneys(quickest, {
    ...settings,
    breachedPasswords: { ...settings.breachedPasswords, onFailure: 'refuse' },
  })

  it.each(outages)('is refused with 503 where the setting says so, because %s', async (_what, _error, fails) => {
    const { email } = await on.account(`${crypto.randomUUID()}@example.org`)
    const token = await on.resetToken(email)
    ranges.fails = fails
    const rows = await on.rowsOf(async () => {
      const answer = await on.confirm(token, fresh)
      expect([answer.status, answer.json.code]).toEqual([503, 'unavailable'])
    })
    const resets = rows.filter(({ event }) => event === 'password_reset')
    expect(resets).toMatchObject([{ outcome: 'failure', reason: 'unavailable', status: 503 }])
    expect(await on.login(email, password)).toBe(200)
    ranges.fails = null
    expect((await on.confirm(token, fresh)).status).toBe(200)
  })

  it('of the first administrator is not called refused', async () => {
    ranges.fails = (response) => response.writeHead(500).end()
    await expect(on.system.auth.services.accounts.ensureAdmin('first@example.org', fresh)).rejects.toMatchObject({
      code: 'BREACHES_UNREACHABLE',
      message: expect.stringMatching(/the service of leaked passwords did not answer/),
    })
  })

  it('waits for as long as the setting says, and no longer', async () => {
    ranges.fails = () => undefined
    const begun = performance.now()
    const body = { email: 'slow@example.org', password: fresh, confirm_password: fresh }
    expect((await on.client().post('/api/auth/signup', body)).status).toBe(503)
    const seconds = (performance.now() - begun) / 1000
    expect(seconds).toBeGreaterThan(0.9)
    expect(seconds).toBeLessThan(8)
  })
})

describe('who is asked for breached passwords', () => {
  it('is nobody without the setting', async () => {
    const on = await startSystem(quickest, { limits: unlimited })
    expect(await on.auth.services.breachedPasswords.includes(leaked)).toBe(false)
    await on.close()
    expect(ranges.requests).toEqual([])
  })

  it('can be a service of one’s own, which is waited for no longer', async () => {
    const system = await startSystem(quickest, {
      limits: unlimited,
      breachedPasswords: { timeout: 1, onFailure: 'refuse' },
      services: {
        breachedPasswords: () => ({
          includes: (typed) => (typed === padded ? new Promise(() => undefined) : Promise.resolve(typed === fresh)),
        }),
      },
    })
    const signUp = async (typed: string) => {
      const body = { email: 'own@example.org', password: typed, confirm_password: typed }
      return (await new AuthClient(system.url).post('/api/auth/signup', body)).json
    }
    expect(await signUp(fresh)).toMatchObject({ status: 400, code: 'password_breached' })
    expect(await signUp(padded)).toMatchObject({ status: 503, code: 'unavailable' })
    await system.close()
  })
})
