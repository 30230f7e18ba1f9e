import 'reflect-metadata'
import { AuditEvent, Throttle } from '@countersign/mixins'
import { IsEmail, IsString } from 'class-validator'
import {
  Authorized,
  Body,
  HttpCode,
  HttpError,
  type InterceptorInterface,
  JsonController,
  Post,
  Res,
  UseInterceptor,
} from 'routing-controllers'
import { type AnyResponse, outgoingOf, send, setStatus } from './drivers.js'

class LoginRequest {
  @IsEmail() email!: string
  @IsString() password!: string
}

class Broken implements InterceptorInterface {
  intercept(): never {
    throw new Error('the interceptor broke')
  }
}

class Rejected extends HttpError {
  readonly reason = 'bad_credentials'
  constructor() {
    super(401, 'wrong password hunter2')
  }
}

const attempted = (body: LoginRequest) => body.email

/** One action for each way that a handler can end. */
@JsonController('/login')
export class LoginController {
  static readonly className = 'LoginController'
  static readonly actor = () => null

  @AuditEvent('login', { attempted })
  @Post('/ok')
  async ok(@Body() body: LoginRequest) {
    return { hello: body.email.length }
  }

  @AuditEvent('login', { attempted })
  @HttpCode(400)
  @Post('/returned')
  async returned(@Body() _body: LoginRequest) {
    return { error: 'no' }
  }

  @AuditEvent('login', { attempted })
  @Post('/set')
  async set(@Body() _body: LoginRequest, @Res() response: AnyResponse) {
    setStatus(response, 401)
    return { error: 'no' }
  }

  @AuditEvent('login', { attempted })
  @Post('/sent')
  async sent(@Body() _body: LoginRequest, @Res() response: AnyResponse) {
    return send(response, 401, { error: 'no' })
  }

  @AuditEvent('login', { attempted })
  @Post('/thrown')
  async thrown(@Body() _body: LoginRequest) {
    throw new Rejected()
  }

  @AuditEvent('login', { attempted })
  @Post('/crashed')
  async crashed(@Body() _body: LoginRequest) {
    throw new TypeError('secret internals')
  }

  @AuditEvent('login', { attempted })
  @Post('/void')
  async nothing(@Body() _body: LoginRequest): Promise<void> {}

  @AuditEvent('login', { attempted })
  @UseInterceptor(Broken)
  @Post('/intercepted')
  async intercepted(@Body() _body: LoginRequest) {
    return { ok: true }
  }

  @AuditEvent('login', { attempted })
  @Post('/circular')
  async circular(@Body() _body: LoginRequest) {
    const result: Record<string, unknown> = {}
    result.self = { toJSON: () => result.self, big: 1n }
    return { big: 1n }
  }

  @AuditEvent('login', { attempted })
  @Authorized()
  @Post('/guarded')
  async guarded(@Body() _body: LoginRequest) {
    return { ok: true }
  }

  @AuditEvent('login', { attempted })
  @Authorized('admin')
  @Post('/admin')
  async admin(@Body() _body: LoginRequest) {
    return { ok: true }
  }

  @AuditEvent('login', { attempted })
  @Throttle('login')
  @Post('/throttled')
  async limited(@Body() _body: LoginRequest) {
    throw new Rejected()
  }

  @AuditEvent('login', { attempted })
  @Post('/streamed')
  async streamed(@Body() _body: LoginRequest, @Res() response: AnyResponse) {
    const outgoing = outgoingOf(response)
    outgoing.statusCode = 200
    for (let part = 0; part < 5; part++) {
      outgoing.write(`${part},`)
      await new Promise((resolve) => setImmediate(resolve))
    }
    outgoing.end('end')
    return response
  }
}
