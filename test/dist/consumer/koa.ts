import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { auditedControllers, requestOf, safeDefaults } from '@countersign/adapters/routing-controllers'
import type { Actor, AuditContext } from '@countersign/core'
import { expectAudit } from '@countersign/core/testing'
import { AuditEvent } from '@countersign/mixins'
import type { Request } from 'koa'
import { createKoaServer, JsonController, Post } from 'routing-controllers'
import { trail } from './controllers.js'

@JsonController('/session')
class KoaSessionController {
  static readonly className = 'KoaSessionController'
  static readonly actor = (context: AuditContext): Actor | null => {
    const id = requestOf<Request>(context)?.get('x-user')
    return id ? { type: 'user', id } : null
  }

  @AuditEvent('logout')
  @Post('/logout')
  async logout(): Promise<{ ok: true }> {
    return { ok: true }
  }
}

const tenant = ({ host }: Request): string => host
const controllers = auditedControllers(trail, [KoaSessionController], { tenant })
const app = createKoaServer({ ...safeDefaults, controllers })
const server = createServer(app.callback()).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/session/logout`
await expectAudit(trail, () => fetch(url, { method: 'POST', headers: { 'x-user': 'ada' } })).toEmit([
  { event: 'logout', outcome: 'success', className: 'KoaSessionController' },
])
server.closeAllConnections()
await new Promise((resolve) => server.close(resolve))
console.log(JSON.stringify(trail.counts))
