import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditCoverage } from '@countersign/adapters/routing-controllers'
import { adminLink, authControllers, openDatabase, Secrets } from '@countersign/auth'
import { type AuditRow, rowFromJson } from '@countersign/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuthClient } from '../support/auth-client.js'
import { secret } from '../support/auth-systems.js'
import { Canaries } from '../support/canaries.js'
import { CanaryRun } from '../support/canary-run.js'
import { migratedPostgres, postgresAvailable } from '../support/databases.js'
import { killAll, type ServerProcess, start } from '../support/server-process.js'

const [email, other] = ['ada@example.org', 'bob@example.org']
const passwords = {
  ada: 'canary one of ada 4711',
  next: 'canary two of ada 4712',
  last: 'canary three of ada 4713',
  bob: 'canary of bob 4714',
  root: 'canary of the administrator 4715',
  chief: 'canary of another administrator 4716',
  wrong: 'canary that is wrong 4717',
}
const both = (password: string) => ({ password, confirm_password: password })

describe.runIf(await postgresAvailable())('a run through every operation', () => {
  const canaries = new Canaries()
  let folder: string
  let database: Awaited<ReturnType<typeof migratedPostgres>>
  let server: ServerProcess
  let run: CanaryRun
  let root: AuthClient
  /** What was shown of others, or of the trail: not the answers that hand a secret out. */
  const shown: string[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-'))
    database = await migratedPostgres('auth')
    for (const [who, password] of Object.entries(passwords)) canaries.add(`the password ${who}`, password)
    server = await start({
      ...{ DATA_DIR: folder, DATABASE_URL: database.url, TRUST_PROXY: '1' },
      SECRET_KEY: canaries.add('SECRET_KEY', secret),
      METRICS_TOKEN: canaries.add('METRICS_TOKEN', 'canary-of-the-metrics-4718'),
      ...{ ADMIN_EMAIL: 'root@example.org', ADMIN_PASSWORD: passwords.root },
    })
    run = new CanaryRun(server.url, canaries)
    root = run.client()
    await accounts()
    await twoFactors()
    await changes()
    await administration()
    await reading()
  }, 180_000)

  afterAll(async () => {
    await killAll()
    await database?.drop()
    await rm(folder, { recursive: true, force: true })
  })

  async function accounts(): Promise<void> {
    const stranger = run.client()
    await run.post(stranger, 'signup', 'signup', { email, ...both(passwords.ada) }, 202)
    await run.post(stranger, 'email_verification_request', 'verify-account/resend', { email }, 202)
    await run.post(stranger, 'email_verification', 'verify-account', { token: await run.mailed('a token', email) })
    await run.post(stranger, 'email_verification', 'verify-account', { token: await run.mailed('a token', email) }, 400)
    await run.post(stranger, 'signup', 'signup', { email, ...both(passwords.next) }, 202)
    await run.post(stranger, 'signup', 'signup', { email: other, ...both(passwords.bob) }, 202)
    await run.post(stranger, 'email_verification', 'verify-account', { token: await run.mailed('a token', other) })
    // People type it into the wrong field.
    await run.post(stranger, 'signup', 'signup', { email: passwords.ada, ...both(passwords.wrong) }, 400)
    await run.post(stranger, 'login', 'login', { email: passwords.ada, password: passwords.wrong }, 401)
    await run.post(stranger, 'login', 'login', { email, password: passwords.wrong }, 401)
    await run.post(stranger, 'login', 'token', { email: passwords.bob, password: passwords.wrong }, 401)
    await run.post(stranger, 'password_reset_request', 'password-reset', { email: passwords.ada }, 202)
    await run.post(stranger, 'email_verification_request', 'verify-account/resend', { email: passwords.ada }, 202)
    const bearer = (await run.post(stranger, 'login', 'token', { email: other, password: passwords.bob })).json
    run.secret('an access token', bearer.access)
    const next = await run.post(stranger, 'token_refresh', 'token/refresh', {
      refresh: run.secret('a refresh token', bearer.refresh),
    })
    run.secret('an access token', next.json.access)
    await run.post(stranger, null, 'token/verify', { token: run.secret('a refresh token', next.json.refresh) }, 401)
    await run.post(stranger, 'token_refresh', 'token/refresh', { refresh: 'canary-of-no-token' }, 401)
  }

  async function twoFactors(): Promise<void> {
    const ada = run.client()
    await run.post(ada, 'login', 'login', { email, password: passwords.ada, remember_me: true })
    run.secret('a CSRF token', (await run.ask(ada, null, ['GET', 'csrf'], 200)).json.csrf_token)
    const setup = (await run.post(ada, 'two_factor_setup', '2fa/setup', {})).json
    const totp = run.secret('a TOTP secret', setup.secret)
    await run.post(ada, 'two_factor_enable', '2fa/enable', { code: '000000' }, 400)
    const { backup_codes } = (await run.post(ada, 'two_factor_enable', '2fa/enable', { code: run.code(totp) })).json
    for (const code of backup_codes) run.secret('a backup code', code)
    await run.post(ada, 'logout', 'logout', {}, 204)
    const challenge = async (code: string, status = 200) => {
      const login = await run.post(ada, 'login', 'login', { email, password: passwords.ada })
      const session_token = run.secret('the token of a pending login', login.json.session_token)
      await run.post(ada, 'two_factor_challenge', '2fa/verify-login', { session_token, code }, status)
    }
    await challenge('000000', 400)
    await challenge(backup_codes[0])
    await challenge(run.code(totp, 1))
    const renewed = await run.post(ada, 'backup_codes_regenerate', '2fa/backup-codes', { password: passwords.ada })
    for (const code of renewed.json.backup_codes) run.secret('a backup code', code)
    await run.ask(ada, null, ['GET', '2fa/backup-codes'], 200)
    await run.post(ada, 'token_refresh', 'refresh', {})
    const code = renewed.json.backup_codes[0]
    await run.post(ada, 'two_factor_disable', '2fa/disable', { password: passwords.wrong, code }, 400)
    await run.post(ada, 'two_factor_disable', '2fa/disable', { password: passwords.ada, code })
  }

  async function changes(): Promise<void> {
    const ada = run.client()
    await run.post(ada, 'login', 'login', { email, password: passwords.ada })
    await run.ask(ada, 'profile_update', ['PATCH', 'profile', { bio: 'Public.', marketing_consent: true }], 200)
    await run.ask(ada, 'profile_update', ['PUT', 'profile', { bio: 7 }], 400)
    const typed = { current_password: passwords.ada, ...both(passwords.next) }
    await run.post(ada, 'password_change', 'change-password', { ...typed, current_password: passwords.wrong }, 400)
    await run.post(ada, 'password_change', 'change-password', typed)
    await run.post(run.client(), 'login', 'login', { email, password: passwords.next })
    const [session] = (await run.ask(ada, null, ['GET', 'sessions'], 200)).json.items.filter((one: any) => !one.current)
    await run.ask(ada, 'session_revoke', ['DELETE', `sessions/${session.id}`], 204)
    await run.ask(ada, 'session_revoke_all', ['DELETE', 'sessions'], 200)
    const moved = 'ada-moved@example.org'
    await run.post(ada, 'email_change_request', 'change-email', { new_email: moved, password: passwords.next }, 202)
    const [confirm, undo] = [await run.mailed('a token', moved), await run.mailed('a token', email)]
    await run.post(run.client(), 'email_change', 'change-email-confirm', { token: confirm })
    await run.post(run.client(), 'email_change_undo', 'change-email-undo', { token: undo })
    const stranger = run.client()
    await run.post(stranger, 'password_reset_request', 'password-reset', { email }, 202)
    const reset = { token: await run.mailed('a token', email), ...both(passwords.last) }
    await run.post(stranger, 'password_reset', 'password-reset-confirm', { ...reset, ...both('short') }, 400)
    await run.post(stranger, 'password_reset', 'password-reset-confirm', reset)
    await run.post(stranger, 'password_reset', 'password-reset-confirm', reset, 400)
    const publicUrl = server.url
    const link = await adminLink({ secrets: new Secrets(secret), publicUrl, email: 'chief@example.org' })
    const token = run.secret('a link of an administrator', new URL(link).searchParams.get('token') ?? '')
    await run.post(stranger, 'password_reset', 'password-reset-confirm', { token, ...both(passwords.chief) })
    await run.post(ada, 'password_change', 'change-password', typed, 401)
  }

  async function administration(): Promise<void> {
    await run.post(root, 'login', 'login', { email: 'root@example.org', password: passwords.root })
    const list = await run.ask(root, 'admin_action', ['GET', 'admin/users'], 200)
    shown.push(list.text)
    const { id } = list.json.items.find((user: { email: string }) => user.email === other)
    shown.push((await run.ask(root, 'admin_action', ['GET', `admin/users/${id}`], 200)).text)
    for (const action of ['logout', 'unlock', 'two-factor-reset', 'password-reset', 'disable', 'enable'])
      shown.push((await run.post(root, 'admin_action', `admin/users/${id}/${action}`, {})).text)
    await run.post(root, 'admin_action', 'admin/signing-keys/rotation', {})
    await run.mailed('a token', other)
    const bob = run.client()
    await run.post(bob, 'login', 'login', { email: other, password: passwords.bob })
    await run.ask(bob, 'admin_action', ['GET', 'admin/users'], 403)
    for (const own of ['login-history', 'profile', 'profile/consents', 'sessions'])
      shown.push((await run.ask(bob, null, ['GET', own], 200)).text)
  }

  const rows: AuditRow[] = []
  async function reading(): Promise<void> {
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: string = `/api/audit/events?limit=200${cursor && `&cursor=${cursor}`}`
      const { text, json } = await run.ask(root, 'audit_read', ['GET', page], 200)
      shown.push(text)
      rows.push(...json.items.map(rowFromJson))
      cursor = json.next_cursor
    }
    shown.push((await run.ask(root, 'audit_export', ['GET', '/api/audit/export'], 200)).text)
    const authorization = 'Bearer canary-of-the-metrics-4718'
    shown.push(await (await fetch(`${server.url}/metrics`, { headers: { authorization } })).text())
  }

  // AUD-01
  it('leaves exactly one primary row for each of them, of the event that it is', () => {
    const primary = rows.filter(({ className }) => className !== null)
    const found = run.operations
      .filter(({ path }) => !path.includes('/api/audit'))
      .map(({ requestId, path }) => [
        path,
        ...primary.filter((row) => row.requestId === requestId).map(({ event }) => event),
      ])
    const expected = run.operations
      .filter(({ path }) => !path.includes('/api/audit'))
      .map(({ event, path }) => (event === null ? [path] : [path, event]))
    expect(found).toEqual(expected)
    expect(found.length).toBeGreaterThan(60)
    for (const row of primary) {
      expect(row).toMatchObject({ userAgent: 'canary/1.0', address: expect.stringMatching(/^10\./) })
      expect(row.outcome === 'success' || row.reason !== null).toBe(true)
    }
  })

  it('went through every operation of the accounts that has a row', () => {
    const { routes } = auditCoverage(authControllers as never)
    const done = new Set(run.operations.map(({ path }) => path.replace(/[\da-f]{8}-[\da-f-]{27}/, ':id')))
    const missing = routes
      .filter(({ audited, path }) => audited && path.startsWith('/api/auth'))
      .map(({ httpMethod, path }) => `${httpMethod} ${path.replace(/^\/api\/auth\/|\/$/g, '')}`)
      .filter((route) => !done.has(route))
    expect(missing).toEqual([])
  })

  // AUD-02, PWD-16
  it('leaves none of its secrets in any row of any table, but for the mails', async () => {
    expect(canaries.size).toBeGreaterThan(60)
    const opened = await openDatabase({ url: database.url })
    const query = <Row>(statement: string): Promise<Row[]> =>
      opened.orm.em.getDriver().getConnection().execute<Row[]>(statement)
    const tables = await query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
       where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
    )
    const found: unknown[] = []
    let searched = 0
    for (const { name } of tables.filter((table) => !table.name.endsWith('auth_mail')))
      for (const { text } of await query<{ text: string }>(`select stored::text as text from ${name} as stored`)) {
        searched++
        for (const what of canaries.hitsIn(text)) found.push([name, what])
      }
    await opened.close()
    expect(found).toEqual([])
    expect(searched).toBeGreaterThan(100)
  })

  it('prints none of them', () => {
    expect(server.output().length).toBeGreaterThan(50)
    expect(canaries.hitsIn(server.output())).toEqual([])
  })

  it('shows none of them to administrators, in the trail, in its export, in metrics and in lists of one’s own', () => {
    expect(shown.flatMap((text) => canaries.hitsIn(text))).toEqual([])
    expect(shown.join('')).not.toMatch(/\$argon2/)
  })

  it('mails each link once, in its own mail, and nothing else; no subject has any of them', async () => {
    const mails: Array<{ subject: string; text: string; html: string }> = (await run.client().get('/dev/mailbox.json'))
      .json
    expect(mails.length).toBeGreaterThan(10)
    expect(mails.flatMap(({ subject }) => canaries.hitsIn(subject))).toEqual([])
    const bearing = mails.filter(({ text }) => canaries.hitsIn(text).length > 0)
    expect(bearing).toHaveLength(6)
    for (const { text, html } of bearing) {
      const hits = new Set(canaries.hitsIn(text + html))
      expect([...hits]).toEqual(['a token'])
    }
  })
})
