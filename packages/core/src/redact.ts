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

const verdicts = new Map<string, boolean>()

function isSecretKey(key: string): boolean {
  const known = verdicts.get(key)
  if (known !== undefined) return known
  const snake = key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
  const verdict = secretWhole.has(snake) || secretPart.test(snake)
  // Keys can come from outside: remember a bounded number of them.
  if (verdicts.size < 2000) verdicts.set(key, verdict)
  return verdict
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
  return redactAt(value, 0, undefined)
}

function redactAt(value: unknown, depth: number, above: object[] | undefined): Json {
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
      return value === null ? null : redactObject(value, depth, above)
    default:
      return null
  }
}

function redactObject(value: object, depth: number, above: object[] | undefined): Json {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[binary, ${value.byteLength} bytes]`
  if (depth >= maxDepth) return '[too deep]'
  if (above?.includes(value)) return '[circular]'
  const path = above ? [...above, value] : [value]
  if (Array.isArray(value)) return value.slice(0, maxEntries).map((item) => redactAt(item, depth + 1, path))
  if (value instanceof Set) return redactObject([...value].slice(0, maxEntries), depth, above)
  if (value instanceof Error) return { name: cleanText(value.name, 100), message: redactText(value.message) }
  return redactEntries(value, depth, path)
}

function redactEntries(value: object, depth: number, path: object[]): Json {
  const copy: { [key: string]: Json } = {}
  const keys = value instanceof Map ? [...value.keys()].map(String) : Object.keys(value)
  let entries = 0
  for (const key of keys) {
    if (++entries > maxEntries) {
      copy['…'] = `[${keys.length - maxEntries} more]`
      break
    }
    const name = cleanText(key, 100)
    if (name === '__proto__') continue
    copy[name] = isSecretKey(key) ? REDACTED : redactAt(read(value, key), depth + 1, path)
  }
  return copy
}

function read(value: object, key: string): unknown {
  try {
    return value instanceof Map ? value.get(key) : (value as Record<string, unknown>)[key]
  } catch {
    return '[unreadable]'
  }
}
