import { isIP } from 'node:net'
import { isRowId } from '@countersign/core'
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

// Control and format characters, line and paragraph separators: what moves, hides or turns the text around it.
const disturbing = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

/** Text of one line, or none: a name ends up in mails and lists, where it must not break or turn a line. */
export function Line(maxLength: number): PropertyDecorator {
  const isLine = (value: unknown): boolean => isText(value, maxLength) && !disturbing.test(value)
  return Rule('line', `$property must be one line of at most ${maxLength} characters`, isLine)
}

/** Text of any number of lines, or none. */
export function Prose(maxLength: number): PropertyDecorator {
  const isProse = (value: unknown): boolean =>
    isText(value, maxLength) && !disturbing.test(value.replace(/\r\n|[\n\t]/g, ''))
  return Rule('prose', `$property must be a text of at most ${maxLength} characters`, isProse)
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && [...value].length <= maxLength && value.isWellFormed()
}

/** An id as this server gives them. */
export function IsId(): PropertyDecorator {
  return Rule('isId', '$property must be an id', isRowId)
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
