import 'reflect-metadata'
import { requestOf } from '@countersign/adapters/routing-controllers'
import { type AuditContext, actAs, currentAttempt } from '@countersign/core'
import { AuditEvent } from '@countersign/mixins'
import { IsString } from 'class-validator'
import {
  Body,
  BodyParam,
  Controller,
  Get,
  JsonController,
  OnUndefined,
  Param,
  Post,
  QueryParam,
  Req,
  Res,
  UseBefore,
} from 'routing-controllers'
import { type AnyResponse, outgoingOf, refusing, setStatus } from './drivers.js'
import { sleep } from './recording.js'

class Note {
  @IsString() text!: string
}

interface KnownRequest {
  readonly headers: Record<string, string | undefined>
  readonly socket: object
}

/** Actions whose answers come about in every way that routing-controllers has. */
@JsonController('/answers')
export class AnsweringController {
  static readonly className = 'AnsweringController'
  static readonly actor = (context: AuditContext) => {
    const id = requestOf<KnownRequest>(context)?.headers['x-user']
    return id === undefined ? null : { type: 'user' as const, id }
  }

  @AuditEvent('login')
  @Get('/query')
  async query(@QueryParam('q') q: string) {
    return { q }
  }

  @AuditEvent('login')
  @Get('/null')
  async nothing() {
    return null
  }

  @AuditEvent('login')
  @OnUndefined(204)
  @Get('/empty')
  async empty() {}

  @AuditEvent('login')
  @Get('/number')
  async number() {
    return 7
  }

  @AuditEvent('login')
  @Get('/unspeakable')
  async unspeakable() {
    return { big: 1n }
  }

  @AuditEvent('login')
  @Get('/unchanged')
  async unchanged(@Res() response: AnyResponse) {
    setStatus(response, 304)
    return { gone: true }
  }

  @AuditEvent('login')
  @Get(/\/pat+ern/)
  async pattern() {
    return { ok: true }
  }

  @AuditEvent('login')
  @Get('/half')
  async half(@Res() response: AnyResponse) {
    const outgoing = outgoingOf(response)
    outgoing.statusCode = 200
    outgoing.write('half')
    await sleep(30)
    throw new Error('and no more')
  }

  @AuditEvent('login')
  @Post('/param/:id')
  async param(@Param('id') id: number) {
    return { id }
  }

  @AuditEvent('login')
  @Post('/body-param')
  async bodyParam(@BodyParam('text') text: string) {
    return { text }
  }

  @AuditEvent('login')
  @Post('/note')
  async note(@Body() { text }: Note) {
    return { text }
  }

  @AuditEvent('logout')
  @Get('/note')
  async otherMethod() {
    return { other: true }
  }

  @AuditEvent('login')
  @Post('/large')
  async large(@Body({ options: { limit: '5mb' } }) { text }: Note) {
    return { length: text.length }
  }

  @AuditEvent('login')
  @Post('/list')
  async list(@Body() body: unknown[]) {
    return { body }
  }

  @AuditEvent('login')
  @Post('/flow')
  async flow(@Req() request: KnownRequest) {
    actAs({ type: 'user', id: 'ada' })
    currentAttempt().session('session-1')
    return { user: request.headers['x-user'] }
  }

  @AuditEvent('login')
  @Post('/bodiless')
  async bodiless() {
    return { ok: true }
  }

  @AuditEvent('login')
  @UseBefore(refusing(418, () => true))
  @Post('/refused')
  async refused(@Body() { text }: Note) {
    return { text }
  }
}

/** A controller whose bodies are not declared as JSON. */
@Controller('/forms')
export class FormController {
  static readonly className = 'FormController'
  static readonly actor = () => null

  @AuditEvent('login')
  @Post('/form')
  async form(@Body() body: object) {
    return JSON.stringify(body)
  }
}

/** A controller without audit beside them. */
@JsonController('/bare')
export class BareController {
  @Get('/')
  async root() {
    return { root: true }
  }

  @Post('/note')
  async note(@Body() { text }: Note) {
    return { text }
  }
}
