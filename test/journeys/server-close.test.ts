import 'reflect-metadata'
import { auditedControllers } from '@countersign/adapters/routing-controllers'
import { type AuditRow, createAuditTrail } from '@countersign/core'
import { AuditEvent } from '@countersign/mixins'
import { JsonController, Post } from 'routing-controllers'
import { describe, expect, it } from 'vitest'
import { drivers } from '../support/drivers.js'
import { post } from '../support/serve.js'

@JsonController()
class Sessions {
  static readonly className = 'Sessions'
  static readonly actor = () => null
  @AuditEvent('login')
  @Post('/login')
  async login() {
    return { ok: true }
  }
}

describe.each(drivers)('a server that is closed while an answer waits for its row, on $name', (driver) => {
  it.each(['close', 'closeIdleConnections'] as const)('does not cut it off by %s()', async (close) => {
    const stored: AuditRow[] = []
    let writing: (() => void) | undefined
    const asked = new Promise<void>((resolve) => {
      writing = resolve
    })
    let store: (() => void) | undefined
    const stores = new Promise<void>((resolve) => {
      store = resolve
    })
    const trail = createAuditTrail({
      sink: {
        name: 'waiting',
        async write(rows) {
          writing?.()
          await stores
          stored.push(...rows)
        },
      },
    })
    const served = await driver.serve(auditedControllers(trail, [Sessions]))
    const answer = post(`${served.url}/login`, {})
    await asked
    // The response has ended by now, for Node.
    await new Promise((resolve) => setImmediate(resolve))
    served.server[close]()
    store?.()
    expect(await (await answer).json()).toEqual({ ok: true })
    expect(stored).toHaveLength(1)
    await served.close()
    await trail.close()
  })
})
