import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthServer, overriding } from '@countersign/auth'
import { AddNickname, Member } from './member.js'
import { MemberSignupController } from './member-signup-controller.js'
import { Members } from './members.js'

const folder = await mkdtemp(join(tmpdir(), 'own-user-'))
const auth = await createAuthServer({
  database: { folder },
  secret: 'Tq8vK2xW5nB9mC4jR7pL1sD6fG3hY0zA',
  publicUrl: 'http://127.0.0.1:3000',
  entities: [Member],
  migrations: [{ name: 'own-user-1', class: AddNickname }],
  controllers: [MemberSignupController],
  services: {
    mails: (ours) =>
      overriding(ours, { verification: (token) => ({ ...ours.verification(token), subject: 'Welcome to the club' }) }),
  },
  features: { tokens: false, audit: false },
})
const server = createServer(auth.app)
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

async function post(path: string, body: object): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${base}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return `${path} ${answer.status}`
}

const password = 'correct horse battery staple'
const signup = { email: 'ada@example.org', password, confirm_password: password }
console.log(await post('/api/auth/signup', { ...signup, nickname: 'Countess' }))
console.log(await post('/api/auth/signup', { ...signup, nickname: '<script>' }))
console.log(await post('/api/auth/token', signup))
for (const { email, nickname } of await new Members(auth.database.orm).all()) console.log(`${email} ${nickname}`)
for (const { recipient, subject } of await auth.services.mails.sent(auth.database.orm.em.fork()))
  console.log(`${recipient} "${subject}"`)
const { items } = await auth.services.reader.find({})
for (const { event, outcome, reason, className } of items.reverse())
  console.log(`${className} ${event} ${outcome} ${reason ?? '-'}`)

server.close()
await auth.close()
await rm(folder, { recursive: true })
