import type { RowJson } from '../row-json.js'
import { canonicalJson } from './canonical-json.js'
import { factNames, personalFields } from './row-content.js'

// A row as this toolkit and its database write it: all fields, in one order, and no escapes. What matches that is JSON,
// and its texts and numbers are canonical as they stand there. So a leaf is checked in four fifths of the time that it
// takes with the row taken apart; what does not match, is taken apart.

const quoted = '"[^"\\\\\\u0000-\\u001f]*"'
const text = `(null|${quoted})`
// As few digits as are always written back as they are.
const number = '(null|(?:0|[1-9]\\d{0,8})(?:\\.\\d{0,5}[1-9])?)'
// Without others inside, and with whatever else between: it is taken apart.
const object = '(null|\\{[^{}]*\\})'
const list = '(null|\\[[^[\\]]*\\])'
const colon = ' ?: ?'
const comma = ', ?'

const actor = `\\{"type"${colon}(${quoted})(?:${comma}"id"${colon}(${quoted}))?(?:${comma}"label"${colon}(${quoted}))?\\}`
const both = (one: string, other: string): string =>
  `(?:null|\\{"${one}"${colon}${text}${comma}"${other}"${colon}${text}\\})`

/** All fields, in their order. */
const patterns: Readonly<Record<keyof RowJson, string>> = {
  id: `(${quoted})`,
  occurred_at: text,
  event: text,
  event_version: number,
  outcome: text,
  reason: text,
  severity: text,
  actor,
  on_behalf_of: object,
  subject: both('type', 'id'),
  attempted: both('hash', 'masked'),
  class_name: text,
  method_name: text,
  tenant: text,
  session_id: text,
  request_id: text,
  address: text,
  proxies: list,
  user_agent: text,
  device: object,
  http_method: text,
  route: text,
  status: number,
  duration_ms: number,
  scope: text,
  limit: number,
  retry_after: number,
  details: object,
  repeat_count: number,
  first_at: text,
  last_at: text,
  // The rows of others are few, and read otherwise.
  erased_at: 'null',
}

/** The pattern of such a row. Its groups come after those of what is put before it. */
export const writtenRow: string = `\\{${Object.entries(patterns)
  .map(([name, pattern]) => `"${name}"${colon}${pattern}`)
  .join(comma)}\\}`

/** What the groups of a field are, where it has not just one that is named like itself. */
const grouped: Readonly<Record<string, readonly string[]>> = {
  actor: ['actor_type', 'actor_id', 'actor_label'],
  subject: ['subject_type', 'subject_id'],
  attempted: ['attempted_hash', 'attempted_masked'],
  erased_at: [],
}
const groups = Object.keys(patterns).flatMap((name) => grouped[name] ?? [name])
const groupOf = (name: string): number => groups.indexOf(name)
const factGroups = factNames.map((name) => ({ start: `,"${name}":`, group: groupOf(name) }))
const personalGroups = personalFields.map(groupOf)

/** What the leaf of a row is made of, from the match of a pattern that has the first group of the row there. */
export function writtenTexts(
  match: RegExpExecArray,
  first: number,
): { id: string | undefined; personal: Array<string | null>; facts: string } {
  let facts = ''
  for (const { start, group } of factGroups) {
    const value = match[first + group]
    if (value !== undefined && value !== 'null') facts += start + value
  }
  const personal: Array<string | null> = []
  for (const group of personalGroups) personal.push(canonical(match[first + group]))
  return { id: match[first]?.slice(1, -1), personal, facts: `{${facts.slice(1)}}` }
}

function canonical(value: string | undefined): string | null {
  if (value === undefined || value === 'null') return null
  return value.startsWith('"') ? value : canonicalJson(JSON.parse(value))
}
