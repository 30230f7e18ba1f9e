import 'reflect-metadata'
import { IsEmail } from 'class-validator'
import {
  Authorized,
  Body,
  Get,
  Header,
  HttpCode,
  type InterceptorInterface,
  JsonController,
  Param,
  Post,
  UseBefore,
  UseInterceptor,
} from 'routing-controllers'
import { refusing } from './drivers.js'

export class ResetRequest {
  @IsEmail() email!: string
}

class Wrapped implements InterceptorInterface {
  intercept(_action: unknown, result: unknown) {
    return { wrapped: result }
  }
}

/** A guard that is a middleware. */
export const teapot = refusing(418, ({ headers }) => headers['x-tea'] !== undefined)

/** Routes with all that routing-controllers drops when a subclass is served. */
@JsonController('/reset')
export class PasswordReset {
  @Post('/:tenant')
  @HttpCode(202)
  @Header('x-kept', 'yes')
  @UseInterceptor(Wrapped)
  @UseBefore(teapot)
  async post(@Param('tenant') tenant: string, @Body() body: ResetRequest) {
    return { tenant, email: body.email }
  }

  @Authorized('admin')
  @Post('/:tenant/all')
  async all(@Body() _body: ResetRequest) {
    return { all: true }
  }
}

@Authorized('admin')
@JsonController('/vault')
export class Vault {
  @Get('/')
  async post() {
    return { gold: true }
  }
}
