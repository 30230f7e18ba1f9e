import { isIP } from 'node:net'
import { AuditError } from './audit-error.js'
import { cleanText } from './clean-text.js'
import { isEventName, outcomes, severities } from './events.js'
import { isActorType } from './identity.js'
import { isRowId } from './reader.js'
import type { AuditRow } from './row.js'
import type { RowJson } from './row-json.js'

/** True for what a field of the JSON form may be. */
type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const isTruth: Check = (value) => typeof value === 'boolean'
const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value)
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isAddress: Check = (value) => typeof value === 'string' && isIP(value) !== 0
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const oneOf =
  (values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value)

const isTime: Check = (value) => {
  if (typeof value !== 'string') return false
  const time = new Date(value)
  return Number.isFinite(time.getTime()) && time.toISOString() === value
}

/** An object with these entries and no others; those of `optional` may be missing. */
function hasOnly(required: Readonly<Record<string, Check>>, optional: Readonly<Record<string, Check>> = {}): Check {
  const checks = new Map(Object.entries({ ...required, ...optional }))
  return (value) =>
    isObject(value) &&
    Object.keys(required).every((name) => Object.hasOwn(value, name)) &&
    Object.entries(value).every(([name, entry]) => checks.get(name)?.(entry) === true)
}

const isActor = hasOnly({ type: isActorType }, { id: isText, label: isText })
const isHop = hasOnly({ address: isAddress, trusted: isTruth })

const checks: { readonly [Name in keyof RowJson]: Check } = {
  id: isRowId,
  occurred_at: isTime,
  event: isEventName,
  event_version: isCount,
  outcome: oneOf(outcomes),
  reason: orNull(isText),
  severity: oneOf(severities),
  actor: isActor,
  on_behalf_of: orNull(isActor),
  subject: orNull(hasOnly({ type: isText, id: isText })),
  attempted: orNull(hasOnly({ hash: isText, masked: isText })),
  class_name: orNull(isText),
  method_name: orNull(isText),
  tenant: orNull(isText),
  session_id: orNull(isText),
  request_id: orNull(isText),
  address: orNull(isAddress),
  proxies: orNull((value) => Array.isArray(value) && value.every(isHop)),
  user_agent: orNull(isText),
  device: orNull(hasOnly({}, { browser: isText, os: isText, type: isText })),
  http_method: orNull(isText),
  route: orNull(isText),
  status: orNull(isCount),
  duration_ms: isNumber,
  scope: orNull(isText),
  limit: orNull(isCount),
  retry_after: orNull(isCount),
  details: isObject,
  repeat_count: orNull(isCount),
  first_at: orNull(isTime),
  last_at: orNull(isTime),
  erased_at: orNull(isTime),
}

const fields = Object.entries(checks).map(([name, check]) => ({ name, check, field: camelCase(name) }))
const times: ReadonlySet<string> = new Set<keyof RowJson>(['occurred_at', 'first_at', 'last_at', 'erased_at'])

/**
 * The row of its JSON form: every field is there and is what it may be, and there is no other.
 *
 * @throws AuditError `ROW_INVALID`, naming the field
 * @example
 * const row = rowFromJson(JSON.parse(line))
 */
export function rowFromJson(json: unknown): AuditRow {
  if (!isObject(json)) throw invalid('it is no object')
  const stranger = Object.keys(json).find((name) => !Object.hasOwn(checks, name))
  if (stranger !== undefined) throw invalid(`it has a field '${cleanText(stranger, 64)}', which no row has`)
  const row: Record<string, unknown> = {}
  for (const { name, field, check } of fields) {
    const value = Object.hasOwn(json, name) ? json[name] : undefined
    if (!check(value)) throw invalid(`'${name}' is missing or is not what it may be`)
    row[field] = times.has(name) && value !== null ? new Date(value as string) : value
  }
  // Every field has passed its check.
  return row as unknown as AuditRow
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function invalid(why: string): AuditError {
  return new AuditError('ROW_INVALID', `This is no audit row: ${why}. Give what rowToJson() made, as it was.`)
}
