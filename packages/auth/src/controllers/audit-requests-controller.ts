import type { LogRequest } from '@countersign/adapters/mikro-orm'
import { type Actor, currentAttempt } from '@countersign/core'
import { AuditEvent, Throttle } from '@countersign/mixins'
import type { Request } from 'express'
import { Authorized, Body, Get, HttpCode, JsonController, Param, Post, QueryParams, Req } from 'routing-controllers'
import { AuditDecision, AuditRequest } from '../audit/audit-bodies.js'
import type { AuthServices } from '../auth-services.js'
import { currentUser, principalOf } from '../sessions/principals.js'
import { AuthRefusal } from '../web/auth-refusal.js'
import { PageQuery } from '../web/page-query.js'

/** `/api/audit/requests`: erasure, retention and the like are asked for, decided on, and followed. */
@JsonController('/api/audit/requests')
export class AuditRequestsController {
  static readonly className: string = 'AuditRequestsController'
  static readonly actor = currentUser
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @AuditEvent('audit_request')
  @Throttle('audit_write')
  @Authorized('admin')
  @HttpCode(202)
  @Post()
  async post(@Req() request: Request, @Body() { kind, parameters }: AuditRequest) {
    const { requests } = this.#services.audit
    // What they may be, whoever asks is told where the request is made.
    return requestJson(await requests.request(actorOf(request), kind as LogRequest['kind'], parameters as never))
  }

  @AuditEvent('audit_decision')
  @Throttle('audit_write')
  @Authorized('admin')
  @HttpCode(200)
  @Post('/:id/decision')
  async decide(@Req() request: Request, @Param('id') id: string, @Body() { decision }: AuditDecision) {
    return requestJson(await this.#services.audit.requests.decide(actorOf(request), id, decision))
  }

  @AuditEvent('audit_read')
  @Throttle('audit_read')
  @Authorized('admin')
  @Get()
  async list(@QueryParams() query: PageQuery) {
    const page = await this.#services.audit.requests.list(query)
    currentAttempt('audit_read').details({ filters: ['requests'], returned: page.items.length })
    return { items: page.items.map(requestJson), next_cursor: page.nextCursor }
  }

  @AuditEvent('audit_read')
  @Throttle('audit_read')
  @Authorized('admin')
  @Get('/:id')
  async get(@Param('id') id: string) {
    const found = await this.#services.audit.requests.get(id)
    if (!found) throw new AuthRefusal(404, 'not_found', { detail: 'There is no request of that id.' })
    currentAttempt('audit_read').details({ filters: ['requests'], returned: 1 })
    return requestJson(found)
  }
}

function actorOf(request: Request): Actor {
  const { userId, email } = principalOf(request)
  return { type: 'user', id: userId, label: email }
}

function requestJson(request: LogRequest) {
  const { requestedBy, requestedAt, decidedBy, decidedAt, finishedAt, ...rest } = request
  return {
    ...rest,
    requested_by: requestedBy,
    requested_at: requestedAt.toISOString(),
    decided_by: decidedBy,
    decided_at: decidedAt?.toISOString() ?? null,
    finished_at: finishedAt?.toISOString() ?? null,
  }
}
