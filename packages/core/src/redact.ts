import { cleanText } from './clean-text.js'

/** What stands in a row in place of a secret. */
export const REDACTED = '[redacted]'

/** What a details object becomes: plain JSON, bounded, without secrets. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const maxDepth = 8
const maxEntries = 100
const maxText = 1024

const secretPart =
  /pass(?:word|wd|phrase|code)|pwd|secret|token|authorization|cookie|api_?key|private_?key|signing_?key|encryption_?key|credential|otp|backup_?code|recovery_?code|verification_?code|security_?code|one_?time|card_?number|cvv|cvc|jwt|csrf|session_?key/
const secretWhole: ReadonlySet<string> = new Set([
  'auth',
  'code',
  'codes',
  'pin',
  'pass',
  'pan',
  'ssn',
  'iban',
  'seed',
  'sid',
])
const secretValue =
  /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\b(?:bearer|basic)\s+[\w.~+/=-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY-----|\$(?:argon2|scrypt|2[aby])\S*\$\S+|otpauth:\/\/|[?&#](?:token|code|key|secret|password|access_token|refresh_token|id_token)=[^&\s]{4,}/i

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

function redactText(text: string): string {
  if (text.length < 8) return cleanText(text, maxText)
  // Bounded first: a pattern never runs over a megabyte.
  const clean = cleanText(text, maxText)
  return secretValue.test(clean) ? REDACTED : clean
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
  return redactAt(value, [])
}

/** @param path the objects that the value is in, outermost first */
function redactAt(value: unknown, path: object[]): Json {
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
      return value === null ? null : redactObject(value, path)
    default:
      return null
  }
}

function redactObject(value: object, path: object[]): Json {
  const depth = path.length
  try {
    return copyOf(value, path)
  } catch {
    // A proxy may refuse to be looked at.
    path.length = depth
    return '[unreadable]'
  }
}

function copyOf(value: object, path: object[]): Json {
  const isPlain = Object.getPrototypeOf(value) === Object.prototype
  if (!isPlain) {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[binary, ${value.byteLength} bytes]`
  }
  if (path.length >= maxDepth) return '[too deep]'
  if (path.includes(value)) return '[circular]'
  path.push(value)
  const copy = isPlain ? redactEntries(value, path) : redactUnusual(value, path)
  path.pop()
  return copy
}

function redactUnusual(value: object, path: object[]): Json {
  if (Array.isArray(value)) return redactItems(value, path)
  if (value instanceof Set) return redactItems([...value], path)
  if (value instanceof Map) return redactEntries(Object.fromEntries(value), path)
  if (value instanceof Error) return { name: cleanText(value.name, 100), message: redactText(value.message) }
  return redactEntries(value, path)
}

function redactItems(items: readonly unknown[], path: object[]): Json[] {
  return items.slice(0, maxEntries).map((item) => redactAt(item, path))
}

function redactEntries(value: object, path: object[]): Json {
  const copy: { [key: string]: Json } = {}
  const keys = Object.keys(value)
  let entries = 0
  for (const key of keys) {
    if (++entries > maxEntries) {
      copy['…'] = `[${keys.length - maxEntries} more]`
      break
    }
    const { name, secret } = verdictOn(key)
    if (name === '__proto__') continue
    copy[name] = secret ? REDACTED : redactAt(read(value, key), path)
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
