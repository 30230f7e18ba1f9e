import { canonicalJson } from './canonical-json.js'
import { factNames, personalFields } from './row-content.js'

// A row as this toolkit and its database write it: all fields, in one order, and no escapes. What matches that is JSON,
// and its texts and numbers are canonical as they stand there: to read it so takes half of what taking it apart does.

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

/** The fields in their order; where one has several values, the names of these. */
const fields: ReadonlyArray<readonly [name: string, pattern: string, values?: readonly string[]]> = [
  ['id', `(${quoted})`],
  ['occurred_at', text],
  ['event', text],
  ['event_version', number],
  ['outcome', text],
  ['reason', text],
  ['severity', text],
  ['actor', actor, ['actor_type', 'actor_id', 'actor_label']],
  ['on_behalf_of', object],
  ['subject', both('type', 'id'), ['subject_type', 'subject_id']],
  ['attempted', both('hash', 'masked'), ['attempted_hash', 'attempted_masked']],
  ['class_name', text],
  ['method_name', text],
  ['tenant', text],
  ['session_id', text],
  ['request_id', text],
  ['address', text],
  ['proxies', list],
  ['user_agent', text],
  ['device', object],
  ['http_method', text],
  ['route', text],
  ['status', number],
  ['duration_ms', number],
  ['scope', text],
  ['limit', number],
  ['retry_after', number],
  ['details', object],
  ['repeat_count', number],
  ['first_at', text],
  ['last_at', text],
]

/** The pattern of such a row that was not erased. Its groups come after those of what is put before it. */
export const writtenRow: string = `\\{${fields.map(([name, pattern]) => `"${name}"${colon}${pattern}`).join(comma)}${comma}"erased_at"${colon}null\\}`

const groups = fields.flatMap(([name, , values = [name]]) => values)
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
