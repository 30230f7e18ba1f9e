import type { LegalHold } from '@countersign/adapters/mikro-orm'
import { currentAttempt } from '@countersign/core'
import { AuditEvent, Throttle } from '@countersign/mixins'
import type { Request } from 'express'
import { Authorized, Body, Get, HttpCode, JsonController, Post, Req } from 'routing-controllers'
import { HoldRequest } from '../audit/audit-bodies.js'
import type { AuthServices } from '../auth-services.js'
import { currentUser, principalOf } from '../sessions/principals.js'

/** `/api/audit/holds`: legal holds, and the months that they keep. One is released by a request of kind `hold_release`. */
@JsonController('/api/audit/holds')
export class AuditHoldsController {
  static readonly className: string = 'AuditHoldsController'
  static readonly actor = currentUser
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @AuditEvent('audit_hold')
  @Throttle('audit_write')
  @Authorized('admin')
  @HttpCode(201)
  @Post()
  async post(@Req() request: Request, @Body() { label, from, to }: HoldRequest) {
    const by = { type: 'user', id: principalOf(request).userId } as const
    return holdJson(await this.#services.audit.operations.placeHold(by, { label, from, to }))
  }

  @AuditEvent('audit_read')
  @Throttle('audit_read')
  @Authorized('admin')
  @Get()
  async list() {
    const { operations } = this.#services.audit
    const [holds, months] = [await operations.holds(), await operations.months()]
    currentAttempt('audit_read').details({ filters: ['holds'], returned: holds.length })
    return {
      items: holds.map(holdJson),
      months: months.map(({ partition, holds: held }) => ({ partition, holds: held })),
    }
  }
}

function holdJson({ id, label, from, to, placedBy, placedAt, releasedBy, releasedAt }: LegalHold) {
  return {
    id,
    label,
    from: from.toISOString(),
    to: to.toISOString(),
    placed_by: placedBy,
    placed_at: placedAt.toISOString(),
    released_by: releasedBy,
    released_at: releasedAt?.toISOString() ?? null,
  }
}
