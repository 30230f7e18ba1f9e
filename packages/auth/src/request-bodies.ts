import { isIP } from 'node:net'
import { Transform } from 'class-transformer'
import { IsBoolean, IsDate, IsIn, IsInt, IsObject, Max, Min, registerDecorator, ValidateIf } from 'class-validator'

function Rule(name: string, message: string, validate: (value: unknown) => boolean): PropertyDecorator {
  return (target, property) => {
    registerDecorator({
      name,
      target: target.constructor,
      propertyName: String(property),
      options: { message },
      validator: { validate },
    })
  }
}

/** Text as PostgreSQL and people can take it: a string, bounded, no NUL, no half characters. */
function SafeText(maxLength: number): PropertyDecorator {
  const isSafe = (value: unknown): boolean =>
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= maxLength &&
    !value.includes('\u0000') &&
    value.isWellFormed()
  return Rule('safeText', `$property must be a text of 1 to ${maxLength} characters`, isSafe)
}

/** An address of the network, as PostgreSQL takes it: a zone names an interface of some machine. */
function IsAddress(): PropertyDecorator {
  const isAddress = (value: unknown): boolean => typeof value === 'string' && isIP(value) !== 0 && !value.includes('%')
  return Rule('isAddress', '$property must be an IPv4 or IPv6 address', isAddress)
}

/** May be left out. `IsOptional` would let null through, which no handler expects. */
function Optional(): PropertyDecorator {
  return ValidateIf((_body, value) => value !== undefined)
}

/** A date of a text; anything else stays as it is, to be refused: `Date` would ask an object for its text. */
function Moment(): PropertyDecorator {
  return Transform(({ value }) => (typeof value === 'string' ? new Date(value) : value))
}

/** The body of POST `signup`. */
export class SignupRequest {
  @SafeText(320) email!: string
  @SafeText(1024) password!: string
  @SafeText(1024) confirm_password!: string
}

/** The body of POST `verify-account`. */
export class TokenRequest {
  @SafeText(512) token!: string
}

/** The body of POST `login`. */
export class LoginRequest {
  @SafeText(320) email!: string
  @SafeText(1024) password!: string
  @Optional() @IsBoolean() remember_me?: boolean
}

/** The body of POST `password-reset`, and of POST `verify-account/resend`. */
export class EmailRequest {
  @SafeText(320) email!: string
}

/** The body of POST `password-reset-confirm`. */
export class PasswordResetConfirmRequest {
  @SafeText(512) token!: string
  @SafeText(1024) password!: string
  @SafeText(1024) confirm_password!: string
}

/** The body of POST `change-password`. */
export class ChangePasswordRequest {
  @SafeText(1024) current_password!: string
  @SafeText(1024) password!: string
  @SafeText(1024) confirm_password!: string
}

/** Which page of a list. */
export class PageQuery {
  @Optional() @IsInt() @Min(1) @Max(200) limit?: number
  @Optional() @SafeText(64) cursor?: string
}

/** Which rows of the trail; what is given is joined by "and". */
export class AuditEventsQuery extends PageQuery {
  @Optional() @SafeText(64) event?: string
  @Optional() @IsIn(['success', 'failure', 'denied']) outcome?: 'success' | 'failure' | 'denied'
  @Optional() @SafeText(200) actor_id?: string
  @Optional() @SafeText(200) subject_id?: string
  /** The identifier that was typed; it is hashed before it is looked for. */
  @Optional() @SafeText(320) attempted?: string
  @Optional() @IsAddress() address?: string
  @Optional() @SafeText(64) request_id?: string
  @Optional() @Moment() @IsDate() from?: Date
  @Optional() @Moment() @IsDate() to?: Date
}

/** Which part of the log is exported: what happened from one moment to before another. */
export class ExportQuery {
  @Optional() @Moment() @IsDate() from?: Date
  @Optional() @Moment() @IsDate() to?: Date
}

/** The body of POST `audit/requests`; what belongs to each kind is looked at where it is asked for. */
export class AuditRequest {
  @SafeText(64) kind!: string
  @IsObject() parameters!: object
}

/** The body of POST `audit/requests/{id}/decision`. */
export class AuditDecision {
  @IsIn(['approve', 'refuse']) decision!: 'approve' | 'refuse'
}

/** The body of POST `audit/holds`. */
export class HoldRequest {
  @SafeText(200) label!: string
  @Moment() @IsDate() from!: Date
  @Moment() @IsDate() to!: Date
}
