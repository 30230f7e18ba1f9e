import 'reflect-metadata'
import { auditedControllers } from '@countersign/adapters/routing-controllers'
import { createAuditTrail, memorySink } from '@countersign/core'
import { AuditEvent } from '@countersign/mixins'
import { JsonController, Post } from 'routing-controllers'
import { describe, expect, it } from 'vitest'
import { drivers } from '../support/drivers.js'
import { post } from '../support/serve.js'

const actor = () => null

@JsonController()
class Listed {
  static readonly className = 'Listed'
  static readonly actor = actor
  @AuditEvent('login')
  @Post('/listed')
  async login() {
    return {}
  }
}

for (const driver of drivers) {
  describe(`on ${driver.name}`, () => {
    describe('a controller that is listed twice', () => {
      it('is prepared once, and leaves one row', async () => {
        const sink = memorySink()
        const trail = createAuditTrail({ sink })
        const controllers = auditedControllers(trail, [Listed, Listed])
        expect(controllers).toEqual([Listed])
        const served = await driver.serve(controllers)
        await post(`${served.url}/listed`, {})
        expect(sink.rows).toHaveLength(1)
        await served.close()
      })

      it('is refused while it waits for the server of another trail', () => {
        const [one, two] = [memorySink(), memorySink()].map((sink) => createAuditTrail({ sink }))
        @JsonController()
        class Waiting {
          static readonly className = 'Waiting'
          static readonly actor = actor
          @AuditEvent('login')
          @Post('/waiting')
          async login() {
            return {}
          }
        }
        const controllers = auditedControllers(one as never, [Waiting])
        expect(() => auditedControllers(two as never, [Waiting])).toThrow(/server that is not created yet/)
        driver.create(controllers)
        expect(() => auditedControllers(two as never, [Waiting])).not.toThrow()
      })
    })
  })
}

describe('what is no list of classes', () => {
  it.each([
    ['an undefined in the list, as a circular import leaves it', [undefined]],
    ['a path', ['./controllers/*.js']],
    ['an instance', [new Listed()]],
    ['a class', Listed],
  ])('is refused with one sentence: %s', (_title, controllers) => {
    const trail = createAuditTrail({ sink: memorySink() })
    expect(() => auditedControllers(trail, controllers as never)).toThrow(/takes a list of classes/)
  })
})
