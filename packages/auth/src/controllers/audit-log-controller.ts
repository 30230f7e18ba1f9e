import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { currentAttempt } from '@countersign/core'
import { writeBundle } from '@countersign/core/evidence'
import { AuditEvent, Throttle } from '@countersign/mixins'
import type { Response } from 'express'
import { Authorized, Get, JsonController, QueryParams, Res } from 'routing-controllers'
import { ExportQuery } from '../audit/audit-bodies.js'
import type { AuthServices } from '../auth-services.js'
import { currentUser } from '../sessions/principals.js'
import { AuthRefusal } from '../web/auth-refusal.js'

/** GET `/api/audit/checkpoint` and `/api/audit/export`: what the log states of itself, and the log as a file. */
@JsonController('/api/audit')
export class AuditLogController {
  static readonly className: string = 'AuditLogController'
  static readonly actor = currentUser
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @AuditEvent('audit_read')
  @Throttle('audit_read')
  @Authorized('admin')
  @Get('/checkpoint')
  async checkpoint(@Res() response: Response) {
    const checkpoint = await this.#services.audit.log.checkpoint()
    if (!checkpoint) throw new AuthRefusal(404, 'not_found', { detail: 'The log has no checkpoint yet.' })
    currentAttempt('audit_read').details({ filters: ['checkpoint'], returned: 1 })
    return response.type('text/plain; charset=utf-8').send(checkpoint.note)
  }

  @AuditEvent('audit_export')
  @Throttle('audit_export')
  @Authorized('admin')
  @Get('/export')
  async export(@QueryParams() { from, to }: ExportQuery, @Res() response: Response) {
    const { log } = this.#services.audit
    if (from && to && from >= to)
      throw new AuthRefusal(400, 'invalid_request', { detail: 'to must be later than from.' })
    const range = from || to ? await log.rangeOf(from ?? new Date(0), to ?? new Date('9999-12-31T00:00:00Z')) : {}
    const source = await log.open(range)
    const { head } = source
    currentAttempt('audit_export').details({
      format: 'bundle',
      from: head.from,
      ...(head.to !== null && { to: head.to }),
    })
    response.type('application/jsonl').attachment('audit-bundle.jsonl')
    // Whoever leaves in the middle of it has what he has; what he asked for is recorded.
    await pipeline(Readable.from(writeBundle(source)), response).catch(() => response.destroy())
    return response
  }
}
