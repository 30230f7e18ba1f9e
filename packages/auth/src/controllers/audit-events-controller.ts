import { type AuditQuery, type AuditTrail, currentAttempt, rowToJson } from '@countersign/core'
import { AuditEvent, Throttle } from '@countersign/mixins'
import { Authorized, Get, JsonController, QueryParams } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { currentUser } from '../principals.js'
import { AuditEventsQuery } from '../request-bodies.js'

/** GET `/api/audit/events`: the trail, for administrators. Reading it is an event itself. */
@JsonController('/api/audit/events')
export class AuditEventsController {
  static readonly className: string = 'AuditEventsController'
  static readonly actor = currentUser
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @AuditEvent('audit_read')
  @Throttle('audit_read')
  @Authorized('admin')
  @Get()
  async find(@QueryParams() query: AuditEventsQuery) {
    const filters = Object.keys(query)
      .filter((name) => query[name as keyof AuditEventsQuery] !== undefined)
      .sort()
    const page = await this.#services.reader.find(toAuditQuery(query, this.#services.trail))
    currentAttempt('audit_read').details({ filters, returned: page.items.length })
    return { items: page.items.map(rowToJson), next_cursor: page.nextCursor }
  }
}

function toAuditQuery(query: AuditEventsQuery, trail: AuditTrail): AuditQuery {
  const { actor_id, subject_id, request_id, attempted, ...rest } = query
  const renamed = {
    actorId: actor_id,
    subjectId: subject_id,
    requestId: request_id,
    attemptedHash: attempted === undefined ? undefined : trail.identifierHash(attempted),
  }
  const given = Object.entries({ ...rest, ...renamed }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as AuditQuery
}
