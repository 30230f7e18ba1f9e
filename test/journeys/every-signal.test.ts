import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditTrail, SignalName } from '@countersign/core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createUploadServer, type UploadServer } from '../../examples/uploads/dist/upload-server.js'
import { places, startSystem, type TestSystem, unlimited } from '../support/auth-systems.js'
import { PasswordJourneys, password } from '../support/password-journeys.js'
import { type Served, serve } from '../support/serve.js'

/** The signals of django-auth-audit, by who sends them there or nobody, and what is sent here. */
const signals: ReadonlyArray<readonly [theirs: string, ours: SignalName]> = [
  ['user_logged_in', 'login.success'],
  ['user_logged_out', 'logout.success'],
  ['user_signed_up', 'signup.success'],
  ['password_set', 'password_set.success'],
  ['password_changed', 'password_change.success'],
  ['password_reset', 'password_reset.success'],
  ['email_confirmed', 'email_verification.success'],
  ['email_confirmation_sent', 'email_verification_request.success'],
  ['password_reset_email_sent', 'password_reset_request.success'],
  ['file_uploaded', 'file_upload.success'],
  ['rate_limit_password_reset_email_sent', 'password_reset_request.denied'],
  ['rate_limit_password_change', 'password_change.denied'],
  ['rate_limit_password_reset', 'password_reset.denied'],
  ['mobile_upload_rate_limit', 'file_upload.denied'],
]
const email = 'ada@example.org'
const chosen = 'a sentence that is easy to keep'
const heard = new Map<string, number>()

/** What is told to subscribers of each name. */
function listen(trail: AuditTrail): void {
  for (const [, name] of signals) trail.signals.on(name, () => heard.set(name, (heard.get(name) ?? 0) + 1))
}

let system: TestSystem
let upload: UploadServer
let uploads: Served
let folder: string

beforeAll(async () => {
  const limits = { ...unlimited, password_reset: '1/h', change_password: '1/h', password_reset_confirm: '1/h' }
  system = await startSystem((places[0] as (typeof places)[number]).make, { limits })
  folder = await mkdtemp(join(tmpdir(), 'countersign-signals-'))
  const users = new Map([['token', { id: 'u-1', name: 'Ada' }]])
  upload = await createUploadServer({ folder, users, limits: { address: '1/h', identifier: '1/h' } })
  uploads = await serve(upload.app)
  listen(system.auth.trail)
  listen(upload.trail)
})
afterAll(async () => {
  await uploads.close()
  await system.close()
  await rm(folder, { recursive: true, force: true })
})

it('every signal of the first system is sent once by a controller that does what the signal says', async () => {
  const on = new PasswordJourneys(() => system)
  await on.client().post('/api/auth/signup', { email, password, confirm_password: password })
  await on.client().post('/api/auth/verify-account/resend', { email })
  await on.client().post('/api/auth/verify-account', { token: await on.client().mailedToken(email) })
  const client = await on.session(email)
  for (const typed of [chosen, `${chosen}, again`]) await on.change(client, password, typed)
  await client.post('/api/auth/logout')
  const token = await on.resetToken(email)
  await on.client().post('/api/auth/password-reset', { email })
  for (const typed of [password, chosen]) await on.confirm(token, typed)
  for (let time = 0; time < 2; time++) {
    const body = new FormData()
    body.append('file', new Blob([Buffer.from('%PDF-1.7\nnothing much')]), 'a.pdf')
    await fetch(`${uploads.url}/uploads`, { method: 'POST', headers: { authorization: 'Bearer token' }, body })
  }
  expect(Object.fromEntries(heard)).toEqual(Object.fromEntries(signals.map(([, ours]) => [ours, 1])))
})
