import { Type } from 'class-transformer'
import {
  IsBoolean,
  IsDate,
  IsIn,
  IsInt,
  IsOptional,
  Max,
  Min,
  registerDecorator,
  type ValidationOptions,
} from 'class-validator'

/** Text as PostgreSQL and people can take it: a string, bounded, no NUL, no half characters. */
function SafeText(maxLength: number, options: ValidationOptions = {}): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name: 'safeText',
      target: target.constructor,
      propertyName: String(property),
      options: { message: `$property must be a text of 1 to ${maxLength} characters`, ...options },
      validator: {
        validate: (value: unknown) =>
          typeof value === 'string' &&
          value.length > 0 &&
          value.length <= maxLength &&
          !value.includes('\u0000') &&
          value.isWellFormed(),
      },
    })
  }
}

export class SignupRequest {
  @SafeText(320) email!: string
  @SafeText(1024) password!: string
  @SafeText(1024) confirm_password!: string
}

export class TokenRequest {
  @SafeText(512) token!: string
}

export class LoginRequest {
  @SafeText(320) email!: string
  @SafeText(1024) password!: string
  @IsOptional() @IsBoolean() remember_me?: boolean
}

export class PasswordResetRequest {
  @SafeText(320) email!: string
}

export class PageQuery {
  @IsOptional() @IsInt() @Min(1) @Max(200) limit?: number
  @IsOptional() @SafeText(64) cursor?: string
}

export class AuditEventsQuery extends PageQuery {
  @IsOptional() @SafeText(64) event?: string
  @IsOptional() @IsIn(['success', 'failure', 'denied']) outcome?: 'success' | 'failure' | 'denied'
  @IsOptional() @SafeText(200) actor_id?: string
  @IsOptional() @SafeText(200) subject_id?: string
  /** The identifier that was typed; it is hashed before it is looked for. */
  @IsOptional() @SafeText(320) attempted?: string
  @IsOptional() @SafeText(64) address?: string
  @IsOptional() @SafeText(64) request_id?: string
  @IsOptional() @Type(() => Date) @IsDate() from?: Date
  @IsOptional() @Type(() => Date) @IsDate() to?: Date
}
