import { cleanText } from './clean-text.js'

/** What stands in a row in place of a secret. */
export const REDACTED = '[redacted]'

/** What a details object becomes: plain JSON, bounded, without secrets. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const maxDepth = 8
const maxEntries = 100
const maxText = 1024
const maxValues = 2000
const leftOut = '…'

const secretPart =
  /pass_?(?:word|wd|phrase|code)|(?:^|_)(?:pass|pw|sid)$|pwd|secret|token|authorization|cookie|api_?key|private_?key|signing_?key|encryption_?key|credential|otp|backup_?code|recovery_?code|verification_?code|security_?code|(?:pin|mfa|2fa|factor|sms|auth|reset)_?code|one_?time|card_?number|cvv|cvc|jwt|csrf|(?:access|session)_?key|session_?id/
const secretWhole: ReadonlySet<string> = new Set([
  'auth',
  'bearer',
  'code',
  'codes',
  'pin',
  'pan',
  'ssn',
  'iban',
  'recovery',
  'seed',
])
// Few different beginnings, the rest looked back at: this runs over every text of every row.
const secretValue =
  /eyJ[\w-]{8,}\.(?:[\w-]*\.|[\w-]{100})|\b(?:bearer|basic)\s+[\w.~+/=-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY-----|\$(?:(?:argon2|scrypt|2[aby])\S*\$|(?<=\bpbkdf2\w*\$))\S+|:\/\/(?:[^\s/:@]+:[^\s/@]+@|(?<=otpauth:\/\/))|[?&#](?:token|code|key|api[_-]?key|secret|password|access_token|refresh_token|id_token)=[^&\s]{4,}|_(?<=\b(?:gh[opsur]|github_pat|[rs]k_(?:live|test))_)\w{8}|\bAKIA[A-Z\d]{16}/i

/** What becomes of an entry, by its key. */
interface Verdict {
  readonly name: string
  readonly secret: boolean
}

const verdicts = new Map<string, Verdict>()

function verdictOn(key: string): Verdict {
  const known = verdicts.get(key)
  if (known) return known
  const verdict = { name: cleanText(key, 100), secret: isSecretKey(key) }
  // Keys can come from outside: remember a bounded number of them.
  if (verdicts.size < 2000 && key.length <= 100) verdicts.set(key, verdict)
  return verdict
}

function isSecretKey(key: string): boolean {
  const snake = key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
  return secretWhole.has(snake) || secretPart.test(snake)
}

/** A text, bounded and safe to print, or what stands in its place when it looks like a secret. */
export function redactText(text: string, limit: number = maxText): string {
  const clean = cleanText(text, limit)
  if (text.length < 8) return clean
  // Bounded first: a pattern never runs over a megabyte. As it came, too: a tab is a separator.
  const isSecret = secretValue.test(clean) || (clean !== text && secretValue.test(text.slice(0, limit)))
  return isSecret ? REDACTED : clean
}

/**
 * A copy without secrets, at any depth: values under secret-sounding keys, and values that look
 * like a token, a key or a password hash. Bounded in depth, size and length; never throws.
 *
 * @example
 * redact({ plan: 'pro', card: { number_hint: '42', cvv: '123' } })
 * // → { plan: 'pro', card: { number_hint: '42', cvv: '[redacted]' } }
 */
export function redact(value: unknown): Json {
  return redactAt(value, { path: [], left: maxValues, frozen: false })
}

/** The same, frozen at every depth: for rows, which others are shown. */
export function redactFrozen(value: unknown): Json {
  return redactAt(value, { path: [], left: maxValues, frozen: true })
}

/** Where in the value the copying is. */
interface Walk {
  /** The objects that the current one is in, outermost first. */
  readonly path: object[]
  /** How many values may still be copied: what is reached by many ways is long, too. */
  left: number
  /** Whether the copy is frozen while it is made: to go through it again would cost more. */
  readonly frozen: boolean
}

function redactAt(value: unknown, walk: Walk): Json {
  if (walk.left-- <= 0) return '[too much]'
  switch (typeof value) {
    case 'string':
      return redactText(value)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'boolean':
      return value
    case 'bigint':
      return value.toString()
    case 'object':
      return value === null ? null : redactObject(value, walk)
    default:
      return null
  }
}

function redactObject(value: object, walk: Walk): Json {
  const depth = walk.path.length
  try {
    return copyOf(value, walk)
  } catch {
    // A proxy may refuse to be looked at.
    walk.path.length = depth
    return '[unreadable]'
  }
}

function copyOf(value: object, walk: Walk): Json {
  const { path } = walk
  const isPlain = Object.getPrototypeOf(value) === Object.prototype
  if (!isPlain) {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[binary, ${value.byteLength} bytes]`
  }
  if (path.length >= maxDepth) return '[too deep]'
  if (path.includes(value)) return '[circular]'
  path.push(value)
  const copy = isPlain ? redactEntries(value, walk) : redactUnusual(value, walk)
  path.pop()
  if (walk.frozen) Object.freeze(copy)
  return copy
}

function redactUnusual(value: object, walk: Walk): Json {
  if (Array.isArray(value)) return redactItems(value, walk)
  if (value instanceof Set) return redactItems([...value], walk)
  if (value instanceof Map) return redactEntries(Object.fromEntries(value), walk)
  if (value instanceof Error) return { name: cleanText(value.name, 100), message: redactText(value.message) }
  return redactEntries(value, walk)
}

function redactItems(items: readonly unknown[], walk: Walk): Json[] {
  return items.slice(0, maxEntries).map((item) => redactAt(item, walk))
}

function redactEntries(value: object, walk: Walk): Json {
  const copy: { [key: string]: Json } = {}
  const keys = Object.keys(value)
  let entries = 0
  for (const key of keys) {
    // What an earlier copying left out stays said.
    if (key !== leftOut && ++entries > maxEntries) {
      copy[leftOut] = `[${keys.length - maxEntries} more]`
      break
    }
    const { name, secret } = verdictOn(key)
    if (name === '__proto__') continue
    copy[name] = secret ? REDACTED : redactAt(read(value, key), walk)
  }
  return copy
}

function read(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key]
  } catch {
    return '[unreadable]'
  }
}
