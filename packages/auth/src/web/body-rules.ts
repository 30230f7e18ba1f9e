import { isIP } from 'node:net'
import { Transform } from 'class-transformer'
import { registerDecorator, ValidateIf } from 'class-validator'

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
export function SafeText(maxLength: number): PropertyDecorator {
  const isSafe = (value: unknown): boolean =>
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= maxLength &&
    !value.includes('\u0000') &&
    value.isWellFormed()
  return Rule('safeText', `$property must be a text of 1 to ${maxLength} characters`, isSafe)
}

/** An address of the network, as PostgreSQL takes it: a zone names an interface of some machine. */
export function IsAddress(): PropertyDecorator {
  const isAddress = (value: unknown): boolean => typeof value === 'string' && isIP(value) !== 0 && !value.includes('%')
  return Rule('isAddress', '$property must be an IPv4 or IPv6 address', isAddress)
}

/** May be left out. `IsOptional` would let null through, which no handler expects. */
export function Optional(): PropertyDecorator {
  return ValidateIf((_body, value) => value !== undefined)
}

/** A date of a text; anything else stays as it is, to be refused: `Date` would ask an object for its text. */
export function Moment(): PropertyDecorator {
  return Transform(({ value }) => (typeof value === 'string' ? new Date(value) : value))
}
