import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { inclusionProof, treeHead } from './rfc9162.js'

// Bundles made by hand, after docs/bundle.md and nothing else: what verifies them is held against what stands there, so
// this shares no line with the toolkit or with a verifier.

type Json = Readonly<Record<string, unknown>>
/** A line of a bundle, to be changed by a test before it is written. */
export type Line = Record<string, unknown>

const sha256 = (...parts: ReadonlyArray<Uint8Array | string>): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** RFC 8785, for what the rows and receipts of the tests hold. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, entry]) => `${JSON.stringify(name)}:${canonicalJson(entry)}`).join(',')}}`
}

export interface LogKey {
  /** The verifier key. */
  readonly text: string
  /** The signature line of a text. */
  readonly sign: (text: string) => string
}

export function newKey(name: string): LogKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const typed = Buffer.concat([Buffer.of(1), Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')])
  const id = sha256(`${name}\n`, typed).subarray(0, 4)
  return {
    text: `${name}+${id.toString('hex')}+${typed.toString('base64')}`,
    sign: (text) => {
      const signature = sign(null, Buffer.from(text), privateKey)
      return `— ${name} ${Buffer.concat([id, signature]).toString('base64')}\n`
    },
  }
}

const noteOf = (text: string, ...keys: readonly LogKey[]): string =>
  `${text}\n${keys.map((key) => key.sign(text)).join('')}`

/** The id of a row, which ascends with the number. */
export const idOf = (number: number): string => `01890000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`

const rowOf = (number: number): Json => ({
  id: idOf(number),
  occurred_at: new Date(1_700_000_000_000 + number).toISOString(),
  event: 'auth.login',
  event_version: 1,
  outcome: 'failure',
  reason: 'wrong_password',
  severity: 'low',
  actor: { type: 'user', id: `user-${number % 3}`, label: `Zoë ${number}` },
  on_behalf_of: null,
  subject: { type: 'account', id: `account-${number}` },
  attempted: { hash: `h${number}`, masked: 'j***@e***.com' },
  class_name: 'LoginController',
  method_name: 'login',
  tenant: null,
  session_id: null,
  request_id: `request-${number}`,
  address: '192.0.2.7',
  proxies: [{ address: '192.0.2.1', trusted: true }],
  user_agent: 'Mozilla/5.0',
  device: { browser: 'Firefox' },
  http_method: 'POST',
  route: '/login',
  status: 401,
  duration_ms: 1.5e-7,
  scope: null,
  limit: null,
  retry_after: null,
  details: { '\u20ac': 1, '\r': ['\u0080'], nested: { b: null, a: 1e21 } },
  repeat_count: null,
  first_at: null,
  last_at: null,
  erased_at: null,
})

const facts =
  'actor_id actor_type class_name duration_ms event event_version first_at http_method last_at limit method_name ' +
  'occurred_at outcome reason repeat_count request_id retry_after route scope severity status subject_id subject_type tenant'
const personalFields =
  'actor_label on_behalf_of attempted_hash attempted_masked session_id address proxies user_agent device details'

function flat(row: any): Record<string, unknown> {
  const { actor, subject, attempted } = row
  return {
    ...row,
    ...{ actor_id: actor?.id, actor_type: actor?.type, actor_label: actor?.label },
    ...{ subject_id: subject?.id, subject_type: subject?.type },
    ...{ attempted_hash: attempted?.hash, attempted_masked: attempted?.masked },
  }
}

function personalOf(row: Json, salt: Uint8Array): Buffer {
  const fields = flat(row)
  const commitments = personalFields.split(' ').map((name) => {
    const value = fields[name] ?? null
    return value === null ? Buffer.alloc(32) : sha256(sha256(salt, name), canonicalJson(value))
  })
  return sha256(...commitments)
}

function contentOf(row: Json, personal: Uint8Array, index: number): Buffer {
  const fields = flat(row)
  const known = facts.split(' ').filter((name) => (fields[name] ?? null) !== null)
  const place = Buffer.alloc(8)
  place.writeUInt32BE(index, 4)
  return sha256(personal, place, canonicalJson(Object.fromEntries(known.map((name) => [name, fields[name]]))))
}

/** What is left of a row whose personal fields were erased. */
export function erased(leaf: Line): Line {
  const { row, salt, ...rest } = leaf as { row: Json; salt: string }
  const { label: _, ...actor } = row.actor as { label: string }
  const personal = personalOf(row, Buffer.from(salt, 'base64')).toString('base64')
  const gone = { session_id: null, address: null, proxies: null, user_agent: null, device: null, attempted: null }
  return { ...rest, row: { ...row, ...gone, actor, details: {}, erased_at: '2024-01-01T00:00:00.000Z' }, personal }
}

/** A log of as many leaves, of one key from its first leaf on. Of another seed it has the same rows, and other leaves. */
export class SampleLog {
  readonly key: LogKey
  readonly leaves: readonly Line[]
  #receipts = 0

  constructor(
    size: number,
    readonly origin = 'audit.example/log',
    seed = '',
  ) {
    this.key = newKey(origin)
    const saltOf = (number: number) => sha256(`${seed} ${number}`).subarray(0, 16)
    this.leaves = Array.from({ length: size }, (_, index) => {
      const row = rowOf(index)
      const content = contentOf(row, personalOf(row, saltOf(index)), index).toString('base64')
      return { leaf: index, id: row.id, content, row, salt: saltOf(index).toString('base64') }
    })
  }

  private entries(): Buffer[] {
    return this.leaves.map(({ id, content }) =>
      Buffer.concat([Buffer.from(String(id).replaceAll('-', ''), 'hex'), Buffer.from(content as string, 'base64')]),
    )
  }

  root(from: number, to: number): string {
    return Buffer.from(treeHead(this.entries().slice(from, to))).toString('base64')
  }

  checkpoint(size: number, previous: number, key = this.key): Line {
    const root = this.root(0, size)
    const text = `${this.origin}\n${size}\n${root}\ncountersign-previous ${previous}\n`
    return { checkpoint: noteOf(text, key), size, root }
  }

  receipt(body: Json, ...keys: readonly LogKey[]): Line {
    const whole = {
      id: idOf(1e6 + this.#receipts++),
      at: '2024-01-01T00:00:00.000Z',
      size: this.leaves.length,
      ...body,
    }
    const text = `countersign-receipt/v1\n${this.origin}\n${canonicalJson(whole)}\n`
    return { receipt: noteOf(text, ...(keys.length > 0 ? keys : [this.key])) }
  }

  keyReceipt(size = 0, key = this.key, ...before: readonly LogKey[]): Line {
    return this.receipt({ kind: 'key', key: key.text, previous: before[0]?.text ?? null, size }, key, ...before)
  }

  head(part: Json = {}): Line {
    const { origin } = this
    return {
      ...{ countersign: 'bundle/v1', origin, created_at: '2024-01-01T00:00:00.000Z', catalogue: { 'auth.login': 1 } },
      ...{ from: 0, to: null, left: [], right: [], ...part },
    }
  }

  /** The whole log, with a checkpoint at each of the sizes. */
  lines(sizes: readonly number[], receipts: readonly Line[] = []): Line[] {
    const checkpoints = new Map(sizes.map((size, at) => [size, this.checkpoint(size, sizes[at - 1] ?? 0)]))
    const body = this.leaves.flatMap((leaf, index) => [leaf, checkpoints.get(index + 1) ?? []].flat())
    return [this.head(), this.keyReceipt(), ...receipts, ...body].map((line) => structuredClone(line))
  }

  proof(index: number, size: number, receipts: readonly Line[] = []): Line {
    const inclusion = inclusionProof(index, this.entries().slice(0, size))
    return {
      countersign: 'proof/v1',
      origin: this.origin,
      checkpoint: this.checkpoint(size, 0).checkpoint,
      receipts: [this.keyReceipt(), ...receipts].map(({ receipt }) => receipt),
      leaf: structuredClone(this.leaves[index]),
      inclusion: inclusion.map((hash) => Buffer.from(hash).toString('base64')),
    }
  }
}

/** The file, with the last line that belongs to it. */
export function bundleOf(lines: readonly Line[]): string {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  return `${text}${JSON.stringify({ end: lines.length, sha256: sha256(text).toString('base64') })}\n`
}

type Counted = 'leaf' | 'size'

/** Ways of damaging the lines of a bundle. */
export function damagesTo(whole: () => Line[]) {
  const lineAt = (lines: readonly Line[], name: Counted, number: number) =>
    lines.findIndex((line) => line[name] === number)

  /** One line changed. */
  function changed(name: Counted, number: number, change: (line: any) => unknown, lines = whole()): Line[] {
    change(lines[lineAt(lines, name, number)])
    return lines
  }

  /** One line in the place of so many others. */
  function spliced(name: Counted, number: number, others: number, line: Line, lines = whole()): Line[] {
    lines.splice(lineAt(lines, name, number), others, structuredClone(line))
    return lines
  }

  /** One line after the next one. */
  function delayed(name: Counted, number: number): Line[] {
    const lines = whole()
    const index = lineAt(lines, name, number)
    lines.splice(index + 1, 0, ...lines.splice(index, 1))
    return lines
  }

  /** What two leaves say, exchanged. */
  function swapped(names: readonly string[], a: number, b: number): Line[] {
    const lines = whole()
    const [one, two] = [lines[lineAt(lines, 'leaf', a)], lines[lineAt(lines, 'leaf', b)]] as [Line, Line]
    for (const name of names) [one[name], two[name]] = [two[name], one[name]]
    return lines
  }

  /** Rows keep their ids, and exchange all the rest. */
  function swappedRows(a: number, b: number): Line[] {
    const lines = swapped(['row', 'salt'], a, b)
    for (const number of [a, b]) changed('leaf', number, (leaf) => Object.assign(leaf.row, { id: leaf.id }), lines)
    return lines
  }

  const without = (name: Counted, number: number, lines = whole()) => lines.filter((line) => line[name] !== number)

  return { changed, spliced, delayed, swapped, swappedRows, without }
}
