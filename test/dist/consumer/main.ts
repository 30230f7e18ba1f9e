import type { AddressInfo } from 'node:net'
import { expectAudit } from '@countersign/core/testing'
import { createExpressServer } from 'routing-controllers'
import { options, trail } from './controllers.js'

const server = createExpressServer(options).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const { port } = server.address() as AddressInfo

async function post(path: string, body: object): Promise<number> {
  const { status } = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return status
}

const wrong = { email: 'ada@example.com', password: 'battery staple' }
const login = () => post('/account/login', wrong)
const failure = { event: 'login', outcome: 'failure', reason: 'bad_credentials', className: 'AccountController' }
await expectAudit(trail, login).toEmit([failure])
await expectAudit(trail, login).toEmit([failure])
await expectAudit(trail, login).toEmit([{ event: 'login', outcome: 'denied', scope: 'login', status: 429 }])
await expectAudit(trail, () => post('/account/logout', {})).toEmit([{ event: 'logout', outcome: 'success' }])
await expectAudit(trail, () => post('/session/password', { email: 'grace@example.com', password: 'x' })).toEmit([
  { event: 'password_change', outcome: 'success', className: 'SessionController' },
])
await new Promise((resolve) => server.close(resolve))
console.log(JSON.stringify({ node: process.versions.node, counts: trail.counts }))
