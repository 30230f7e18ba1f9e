import { type AuditQuery, type AuditTrail, currentAttempt, rowToJson } from '@countersign/core'
import { AuditEvent, Throttle } from '@countersign/mixins'
import { Authorized, Get, JsonController, Param, QueryParams } from 'routing-controllers'
import { AuditEventsQuery } from '../audit/audit-bodies.js'
import type { AuthServices } from '../auth-services.js'
import { currentUser } from '../sessions/principals.js'
import { AuthRefusal } from '../web/auth-refusal.js'

/** GET `/api/audit/events`: the trail, its rows and their proofs, for administrators. Reading is an event itself. */
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

  @AuditEvent('audit_read')
  @Throttle('audit_read')
  @Authorized('admin')
  @Get('/:id')
  async get(@Param('id') id: string) {
    const row = await this.#services.reader.get(id)
    if (!row) throw new AuthRefusal(404, 'not_found', { detail: 'There is no row of that id.' })
    currentAttempt('audit_read').details({ filters: ['id'], returned: 1 })
    return rowToJson(row)
  }

  /** What shows, without this server and its database, that the row is in the log: see `docs/bundle.md`. */
  @AuditEvent('audit_read')
  @Throttle('audit_read')
  @Authorized('admin')
  @Get('/:id/proof')
  async proof(@Param('id') id: string) {
    const proof = await this.#services.audit.log.proof(id)
    if (!proof) throw new AuthRefusal(404, 'not_found', { detail: 'There is no such row in the log, or not yet.' })
    currentAttempt('audit_read').details({ filters: ['proof'], returned: 1 })
    return proof
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
