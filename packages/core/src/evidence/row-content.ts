import type { RowJson } from '../row-json.js'
import { canonicalJson } from './canonical-json.js'
import { type Digest, digestBytes, sha256 } from './sha256.js'

/**
 * The fields of a row that may say something about a person, in the order of their commitments. They can be
 * erased; everything else of a row is a fact, and stays.
 */
export const personalFields = [
  'actor_label',
  'on_behalf_of',
  'attempted_hash',
  'attempted_masked',
  'session_id',
  'address',
  'proxies',
  'user_agent',
  'device',
  'details',
] as const

const maxText = 65_536
const scratch = Buffer.alloc(maxText * 3 + 64)
const commitments = Buffer.alloc(digestBytes * personalFields.length)
const saltBytes = 16

/** True for a salt as rows have it. */
export function isSalt(salt: unknown): salt is Buffer {
  return salt instanceof Uint8Array && salt.length === saltBytes
}

type PersonalField = (typeof personalFields)[number]

// A salt, and the name of the field: only the salt is written anew for each row.
const keyInputs: readonly Buffer[] = personalFields.map((field) =>
  Buffer.concat([Buffer.alloc(saltBytes), Buffer.from(field)]),
)

/**
 * The key of one field's commitment. Whoever is told the key and the value of one field can check that field, and
 * learns nothing about the others.
 */
export function commitmentKey(salt: Uint8Array, field: PersonalField): Digest {
  return keyAt(salt, personalFields.indexOf(field))
}

function keyAt(salt: Uint8Array, index: number): Digest {
  const input = keyInputs[index] as Buffer
  input.set(salt)
  return sha256(input)
}

/** A commitment to a value: it shows later that the value was this one, and until then nothing. */
export function commitmentOf(key: Digest, value: unknown): Digest {
  const text = typeof value === 'string' ? JSON.stringify(value) : canonicalJson(value)
  const bytes = roomFor(text, digestBytes)
  bytes.write(key, 0, 'latin1')
  return sha256(bytes.subarray(0, digestBytes + bytes.write(text, digestBytes)))
}

/** One digest for all personal fields of a row: the hash of their commitments, with zeros where there is no value. */
export function personalDigest(row: RowJson, salt: Uint8Array): Digest {
  const { actor, attempted } = row
  commitments.fill(0)
  commit(salt, 0, actor.label)
  commit(salt, 1, row.on_behalf_of)
  commit(salt, 2, attempted?.hash)
  commit(salt, 3, attempted?.masked)
  commit(salt, 4, row.session_id)
  commit(salt, 5, row.address)
  commit(salt, 6, row.proxies)
  commit(salt, 7, row.user_agent)
  commit(salt, 8, row.device)
  commit(salt, 9, row.details)
  return sha256(commitments)
}

function commit(salt: Uint8Array, index: number, value: unknown): void {
  if (value === null || value === undefined) return
  commitments.write(commitmentOf(keyAt(salt, index), value), index * digestBytes, 'latin1')
}

function personalValues(row: RowJson): unknown[] {
  const { actor, attempted } = row
  return [
    actor.label,
    row.on_behalf_of,
    attempted?.hash,
    attempted?.masked,
    row.session_id,
    row.address,
    row.proxies,
    row.user_agent,
    row.device,
    row.details,
  ]
}

/** True where nothing personal is left in a row. */
export function isErased(row: RowJson): boolean {
  const [details, ...others] = personalValues(row).reverse()
  return others.every((value) => value === null || value === undefined) && canonicalJson(details) === '{}'
}

/**
 * The facts of a row as canonical JSON, without what is null. Written out in the order of the names: a third of
 * the time of making an object and sorting it.
 */
export function factsOf(row: RowJson): string {
  const { actor, subject } = row
  const facts =
    text('actor_id', actor.id) +
    text('actor_type', actor.type) +
    text('class_name', row.class_name) +
    number('duration_ms', row.duration_ms) +
    text('event', row.event) +
    number('event_version', row.event_version) +
    text('first_at', row.first_at) +
    text('http_method', row.http_method) +
    text('last_at', row.last_at) +
    number('limit', row.limit) +
    text('method_name', row.method_name) +
    text('occurred_at', row.occurred_at) +
    text('outcome', row.outcome) +
    text('reason', row.reason) +
    number('repeat_count', row.repeat_count) +
    text('request_id', row.request_id) +
    number('retry_after', row.retry_after) +
    text('route', row.route) +
    text('scope', row.scope) +
    text('severity', row.severity) +
    number('status', row.status) +
    text('subject_id', subject?.id) +
    text('subject_type', subject?.type) +
    text('tenant', row.tenant)
  return `{${facts.slice(1)}}`
}

// What JSON writes otherwise than it stands there; anything beyond ASCII is left to it as well.
const notPlain = /[^ !#-[\]-~]/

function text(name: string, value: unknown): string {
  if (value === null || value === undefined) return ''
  const isPlain = typeof value === 'string' && !notPlain.test(value)
  return isPlain ? `,"${name}":"${value}"` : `,"${name}":${JSON.stringify(value)}`
}

function number(name: string, value: unknown): string {
  return value === null || value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`
}

const head = digestBytes + 8

/** What the leaf at that index says of a row: its facts, and its personal fields by their digest. */
export function contentOf(index: number, personal: Digest, facts: string): Digest {
  const bytes = roomFor(facts, head)
  bytes.write(personal, 0, 'latin1')
  bytes.writeUInt32BE(Math.floor(index / 2 ** 32), digestBytes)
  bytes.writeUInt32BE(index % 2 ** 32, digestBytes + 4)
  return sha256(bytes.subarray(0, head + bytes.write(facts, head)))
}

/** The scratch, but for a text that is no usual one. */
function roomFor(long: string, before: number): Buffer {
  return long.length > maxText ? Buffer.alloc(before + long.length * 3) : scratch
}

const entry = Buffer.alloc(1 + 16 + digestBytes)

/** The hash of a leaf (RFC 9162): of a zero byte, the 16 bytes of the row's id, and the 32 of its content. */
export function leafOf(rowId: string, content: Digest): Digest {
  entry.write(rowId.replaceAll('-', ''), 1, 'hex')
  entry.write(content, 17, 'latin1')
  return sha256(entry)
}
