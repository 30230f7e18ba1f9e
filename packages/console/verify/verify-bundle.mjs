#!/usr/bin/env node
/*
Verifies a bundle or a proof of an audit log, and needs nothing but Node.js 20 and this file.

  node verify-bundle.mjs <bundle.jsonl | proof.json> [--key <verifier key>]... [--anchor <file of checkpoints>]... [--json]

`-` reads standard input. A key that you know to be the log's, by another way than from who gave you the bundle, tells
that the bundle is of that log. An anchor is a checkpoint that you kept, or a witness did: it tells that nothing was
taken back since. A file of anchors holds one note, or several, each followed by a line with the character U+001E.

Exit code: 0 sound, 1 a file can't be read, 2 wrong usage, else that of the gravest finding: rolled_back 15, forged 14,
truncated 12, removed 11, reordered 13, altered 10.

Written from docs/bundle.md of Countersign (its sections are cited as "..."), RFC 9162 (the tree), RFC 8785 (canonical
JSON) and https://c2sp.org/signed-note, and from no line of what it verifies. From top to bottom: bytes, a row as a leaf,
the tree, notes and keys, receipts, the lines of a bundle, what is held against what, the bundle, the proof, the command.
Bytes are strings throughout, a character from 0 to 255 for each byte: so `a + b` joins them.
*/
import { isAscii } from 'node:buffer'
import crypto from 'node:crypto'
import { closeSync, openSync, readFileSync, readSync, realpathSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

/** "What a verifier says": the findings, the gravest first. */
const codes = { rolled_back: 15, forged: 14, truncated: 12, removed: 11, reordered: 13, altered: 10 }
const mostFindings = 1000
const longestLine = 2 ** 28

// ---- Bytes

const fromBase64 = (text) => Buffer.from(text, 'base64').toString('latin1')
const toBase64 = (bytes) => Buffer.from(bytes, 'latin1').toString('base64')

// One buffer for everything that is hashed, and crypto.hash where there is one: both make it several times faster.
let scratch = Buffer.alloc(2 ** 16)
const digest = crypto.hash ?? ((name, data, form) => crypto.createHash(name).update(data).digest(form))

/** SHA-256 of bytes and, after them, of a text. */
function sha256(bytes, text = '', form = 'binary') {
  const most = bytes.length + 3 * text.length
  if (most > scratch.length) scratch = Buffer.alloc(2 * most)
  let length = scratch.write(bytes, 'latin1')
  if (text !== '') length += scratch.write(text, length)
  return digest('sha256', scratch.subarray(0, length), form)
}

/** Eight bytes, the highest first. */
function uint64(number) {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(number))
  return bytes.toString('latin1')
}

/** RFC 8785: the numbers and texts are those of JSON.stringify, the names in the order of their UTF-16 code units. */
function canonical(value) {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('JSON has no such number')
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const names = Object.keys(value).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`
}

// ---- "A row as a leaf"

/** What is read one level down, and what may stand there. */
const nested = { actor: ['id', 'type', 'label'], subject: ['id', 'type'], attempted: ['hash', 'masked'] }

/** A name of a field as `[name, outer, inner]`. */
function field(name) {
  const outer = Object.keys(nested).find((key) => nested[key].some((inner) => name === `${key}_${inner}`))
  return outer ? [name, outer, name.slice(outer.length + 1)] : [name, name]
}

const fieldsOf = (names) => names.split(' ').map(field)

const personalFields = fieldsOf(
  'actor_label on_behalf_of attempted_hash attempted_masked session_id address proxies user_agent device details',
)

/** In canonical order. */
const facts = fieldsOf(
  'actor_id actor_type class_name duration_ms event event_version first_at http_method last_at limit method_name ' +
    'occurred_at outcome reason repeat_count request_id retry_after route scope severity status subject_id subject_type tenant',
)

const rowFields = new Set(['id', 'erased_at', ...[...personalFields, ...facts].map(([, outer]) => outer)])

const nothing = '\0'.repeat(32)
const isErased = (row) => row.erased_at !== null
const isMissing = (value) => value === null || value === undefined
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const inRow = (row, field) => (field.length > 2 ? row[field[1]]?.[field[2]] : row[field[1]])

/** False where a row has something that its leaf says nothing of. */
function isRow(row) {
  if (!isObject(row)) return false
  return Object.keys(row).every((name) => {
    const value = row[name]
    if (!Object.hasOwn(nested, name) || value === null) return rowFields.has(name)
    return isObject(value) && Object.keys(value).every((inner) => nested[name].includes(inner))
  })
}

function personalOf(row, salt) {
  let commitments = ''
  for (const field of personalFields) {
    const value = inRow(row, field)
    commitments += isMissing(value) ? nothing : sha256(sha256(salt, field[0]), canonical(value))
  }
  return sha256(commitments)
}

function factsOf(row) {
  let known = ''
  for (const field of facts) {
    const value = inRow(row, field)
    if (!isMissing(value)) known += `${known && ','}"${field[0]}":${canonical(value)}`
  }
  return `{${known}}`
}

/** What the content of a leaf is made of; null where the row can't be read, or lacks what it is to be read with. */
function opened({ row, salt, personal }) {
  try {
    if (!isRow(row) || (isErased(row) ? personal : salt) === undefined) return null
    return { personal: isErased(row) ? fromBase64(personal) : personalOf(row, fromBase64(salt)), facts: factsOf(row) }
  } catch {
    return null // A number out of range, or an object too deep.
  }
}

const contentOf = ({ personal, facts }, index) => sha256(personal + uint64(index), facts, 'base64')
const entryOf = ({ id, content }) => Buffer.from(id.replaceAll('-', ''), 'hex').toString('latin1') + fromBase64(content)

/** True where nothing personal is left in a row: its details are an empty object, the rest is not there. */
function isBlank(row) {
  const { details } = row
  if (!isObject(details) || Object.keys(details).length > 0) return false
  return personalFields.every((field) => field[0] === 'details' || isMissing(inRow(row, field)))
}

// ---- The tree: RFC 9162, section 2.1

const leafHash = (entry) => sha256(`\x00${entry}`)
const nodeHash = (left, right) => sha256(`\x01${left}${right}`)

/** The full subtrees that the leaves so far are made of, the largest first. */
class Tree {
  constructor(subtrees = []) {
    this.subtrees = [...subtrees]
  }

  get size() {
    return this.subtrees.reduce((sum, { level }) => sum + 2 ** level, 0)
  }

  /** False where a full subtree of that level can't begin after these leaves. */
  add(hash, level = 0) {
    const { subtrees } = this
    if (subtrees.length > 0 && subtrees.at(-1).level < level) return false
    let root = hash
    let height = level
    while (subtrees.length > 0 && subtrees.at(-1).level === height) {
      root = nodeHash(subtrees.pop().root, root)
      height++
    }
    subtrees.push({ level: height, root })
    return true
  }

  /** Section 2.1.1, in base64. */
  root() {
    if (this.subtrees.length === 0) return sha256('', '', 'base64')
    return toBase64(this.subtrees.map(({ root }) => root).reduceRight((right, left) => nodeHash(left, right)))
  }
}

/** The levels of the full subtrees that so many leaves are made of, the largest first. */
function levelsOf(size) {
  const bits = [...size.toString(2)].reverse()
  return bits.flatMap((bit, level) => (bit === '1' ? [level] : [])).reverse()
}

/** Section 2.1.3.2; its steps are numbered. */
function isIncluded(leaf, index, proof, { size, root }) {
  if (index >= size) return false // 1
  let fn = index
  let sn = size - 1 // 2
  let r = leafHash(leaf) // 3
  const half = () => {
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  for (const p of proof.map(fromBase64)) {
    if (sn === 0) return false // 4a
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(p, r) // 4b i
      while (fn % 2 === 0 && fn !== 0) half() // 4b ii
    } else {
      r = nodeHash(r, p) // 4b, otherwise
    }
    half() // 4c
  }
  return sn === 0 && toBase64(r) === root // 5
}

// ---- Notes and keys: C2SP signed-note, and "What is signed"

const keyName = '[^\\s+\\u0000-\\u001f\\u007f]{1,256}'
const longestNote = 1_000_000
const mostSignatures = 100
const signatureLine = new RegExp(`^— (${keyName}) ([A-Za-z0-9+/]+={0,2})$`)
const keyText = new RegExp(`^(${keyName})\\+([0-9a-f]{8})\\+([A-Za-z0-9+/]{44})$`)
const checkpointText =
  /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)\ncountersign-previous (0|[1-9]\d{0,15})\n$/

/** The text and the signatures of a note; null where it is none. */
function parseNote(note) {
  const end = note.lastIndexOf('\n\n')
  if (end < 0 || note.length > longestNote || !note.endsWith('\n') || !note.isWellFormed()) return null
  if (Buffer.from(note).some((byte) => byte < 0x20 && byte !== 0x0a)) return null
  const signatures = []
  const lines = note.slice(end + 2, -1).split('\n')
  if (lines.length > mostSignatures) return null
  for (const line of lines) {
    const [, name, base64] = signatureLine.exec(line) ?? []
    const bytes = Buffer.from(base64 ?? '', 'base64')
    if (bytes.length < 5 || bytes.toString('base64') !== base64) return null
    signatures.push({ name, id: bytes.toString('hex', 0, 4), signature: bytes.subarray(4) })
  }
  return { text: note.slice(0, end + 1), signatures }
}

/** An Ed25519 verifier key; null where it is none. */
function parseKey(text) {
  const [, name, id, base64] = keyText.exec(text) ?? []
  if (!name || !fromBase64(base64).startsWith('\x01')) return null
  const sum = crypto.createHash('sha256').update(`${name}\n`).update(base64, 'base64').digest('hex')
  if (!sum.startsWith(id)) return null
  // The bytes before the key are its algorithm, in the DER of RFC 8410, section 4.
  const der = Buffer.from(`302a300506032b6570032100${Buffer.from(base64, 'base64').toString('hex', 1)}`, 'hex')
  return { text, name, id, key: crypto.createPublicKey({ key: der, format: 'der', type: 'spki' }) }
}

/** The texts of the keys that signed a note. One of them that does not verify makes the note worthless. */
function signersOf({ text, signatures }, keys) {
  const signers = new Set()
  for (const { name, id, signature } of signatures) {
    const named = keys.filter((key) => key.name === name && key.id === id)
    const signer = named.find(({ key }) => crypto.verify(null, Buffer.from(text), key, signature))
    if (named.length > 0 && !signer) return new Set()
    if (signer) signers.add(signer.text)
  }
  return signers
}

/** A checkpoint, whoever signed it; null where it is none. */
function parseCheckpoint(text) {
  const note = parseNote(text)
  const [, origin, size, root, previous] = checkpointText.exec(note?.text ?? '') ?? []
  if (!origin || !isCount(Number(size)) || !isCount(Number(previous))) return null
  return { note, origin, size: Number(size), root, previous: Number(previous) }
}

// ---- Receipts: "What is signed"

const isText = (value) => typeof value === 'string'
const isCount = (value) => Number.isSafeInteger(value) && value >= 0
const matches = (pattern) => (value) => isText(value) && pattern.test(value)
const isHash = matches(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/)
const isSalt = matches(/^[A-Za-z0-9+/]{21}[AQgw]==$/)
const isId = matches(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
const orNull = (check) => (value) => value === null || check(value)
const orNone = (check) => (value) => value === undefined || check(value)
const listOf = (check) => (value) => Array.isArray(value) && value.every(check)

/** True for an object that has what the shape says, `{ name: check }`, and nothing else. */
const fits = (shape, value) => has(shape, value) && Object.keys(value).every((name) => Object.hasOwn(shape, name))
const has = (shape, value) => isObject(value) && Object.keys(shape).every((name) => shape[name](own(value, name)))
const own = (value, name) => (Object.hasOwn(value, name) ? value[name] : undefined)

const isParty = (value) => has({ type: isText, id: isText }, value)
const receiptShapes = {
  key: { key: isText },
  erasure: { before: isText, subject: orNull(isParty), row_ids: listOf(isText), rows: isCount, held: isCount },
  retention: { from: isText, to: isText, rows: isCount, checkpoint: isText },
}

/** A receipt, whoever signed it; null where it is none of this log. */
function parseReceipt(text, origin) {
  const note = parseNote(text)
  const [title, log, json, end, ...more] = note?.text.split('\n') ?? []
  if (title !== 'countersign-receipt/v1' || log !== origin || end !== '' || more.length > 0) return null
  try {
    const body = JSON.parse(json)
    const shape = { id: isId, at: isText, size: isCount, ...own(receiptShapes, body.kind) }
    return Object.hasOwn(receiptShapes, body.kind) && has(shape, body) ? { note, body } : null
  } catch {
    return null
  }
}

/** The keys of a log, each vouched for by the one before it. */
class KeyChain {
  keys = []

  /** False where the receipt does not continue the chain. Two may say the same: processes that began the log at once. */
  add({ note, body }, origin) {
    const key = { ...parseKey(body.key), size: body.size }
    if (key.name !== origin) return false
    if (this.keys.some(({ text, size }) => text === key.text && size === key.size)) return true
    const signers = signersOf(note, [...this.keys, key])
    const before = this.keys.at(-1)
    if (before && key.size < before.size) return false
    const isNext =
      body.previous === (before?.text ?? null) && signers.has(key.text) && signers.has((before ?? key).text)
    if (isNext) this.keys.push(key)
    return isNext
  }

  /** The key that signs a checkpoint of so many leaves. */
  of(size) {
    return this.keys.findLast((key) => key.size < size) ?? this.keys[0]
  }

  /** True where one of the keys that were to sign at these sizes did. */
  signed(note, ...sizes) {
    const signers = signersOf(note, this.keys)
    return sizes.some((size) => signers.has(this.of(size)?.text))
  }
}

/** What erasure and retention receipts allow. */
class Lawful {
  rows = new Set()
  before = new Map()
  ranges = []

  add(receipt) {
    if (receipt.kind === 'retention') return this.ranges.push({ ...receipt, left: receipt.rows })
    for (const id of receipt.row_ids) this.rows.add(id)
    if (receipt.subject === null && receipt.row_ids.length > 0) return
    const whose = partyName(receipt.subject)
    if (receipt.before > (this.before.get(whose) ?? '')) this.before.set(whose, receipt.before)
  }

  erasure(id, { actor, subject }) {
    const isBefore = (whose) => id < (this.before.get(whose) ?? '')
    return this.rows.has(id) || [null, actor, subject].some((party) => isBefore(partyName(party)))
  }

  /** Uses the receipt up: each excuses as many leaves as rows were taken away, of those that there were. */
  removal(id, index) {
    const holds = (range) => range?.left > 0 && range.from <= id && id < range.to && index < range.size
    if (!holds(this.last)) this.last = this.ranges.find(holds)
    if (this.last) this.last.left--
    return this.last !== undefined
  }
}

const partyName = (party) => (isMissing(party) ? '' : JSON.stringify([party.type, party.id]))

// ---- The lines of "A bundle"

const isSubtree = (value) =>
  Array.isArray(value) && value.length === 2 && value[0] < 53 && isCount(value[0]) && isHash(value[1])
const isIndex = (value) => isCount(value) && value < Number.MAX_SAFE_INTEGER
const lineShapes = {
  leaf: {
    leaf: isIndex,
    id: isId,
    content: isHash,
    row: orNone(orNull(isObject)),
    salt: orNone(isSalt),
    personal: orNone(isHash),
  },
  checkpoint: { checkpoint: isText, size: isCount, root: isHash },
  receipt: { receipt: isText },
  stray: { stray: isText },
  end: { end: isCount, sha256: isHash },
}
const headShape = {
  ...{ countersign: (value) => value === 'bundle/v1', origin: isText, created_at: isText, catalogue: isObject },
  ...{ from: isCount, to: orNull(isCount), left: listOf(isHash), right: listOf(isSubtree) },
}
const proofShape = {
  ...{ countersign: (value) => value === 'proof/v1', origin: isText, checkpoint: isText, receipts: listOf(isText) },
  ...{ leaf: (value) => fits(lineShapes.leaf, value), inclusion: listOf(isHash) },
}

/** Most lines are ASCII, which is read faster. */
function parseJson(bytes) {
  try {
    return JSON.parse(bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8'))
  } catch {
    return undefined
  }
}

/** `[kind, line]`; nothing where it is no line of a bundle. */
function parseLine(bytes) {
  const line = parseJson(bytes)
  const kind = Object.keys(lineShapes).find((name) => isObject(line) && Object.hasOwn(line, name))
  return kind && fits(lineShapes[kind], line) ? [kind, line] : []
}

function parseHead(bytes) {
  const head = parseJson(bytes)
  if (!fits(headShape, head) || head.left.length !== levelsOf(head.from).length) return null
  return head.to !== null && head.to < head.from ? null : head
}

// ---- What is found

class Findings {
  counts = {}
  first = []

  /** A thousand of each kind are told of: so the gravest is among them. */
  add(kind, message, where = {}) {
    this.count(kind, 1)
    if (this.counts[kind] <= mostFindings) this.first.push({ kind, message, ...where })
  }

  count(kind, more) {
    this.counts[kind] = (this.counts[kind] ?? 0) + more
  }

  get none() {
    return this.first.length === 0
  }

  /** The gravest first. */
  get report() {
    const kinds = Object.keys(codes).filter((kind) => this.counts[kind] > 0)
    const findings = kinds.flatMap((kind) => this.first.filter((one) => one.kind === kind)).slice(0, mostFindings)
    return { findings, counts: Object.fromEntries(kinds.map((kind) => [kind, this.counts[kind]])) }
  }
}

/** What is wrong with rows: what each is called is known when all of them are. */
class Mismatches {
  /** The first ones, how many of them a checkpoint vouches for, and by kind how many more came before it and since. */
  kept = []
  vouched = 0
  more = {}
  since = {}

  /** `{ kind, message, leaf, rowId, content, row }`, without a row where it can't be that of another leaf. */
  add(found) {
    if (this.kept.length < mostFindings) this.kept.push(found)
    else this.since[found.kind] = (this.since[found.kind] ?? 0) + 1
  }

  /** A checkpoint vouches for the leaves so far: it is their rows that are wrong. */
  vouch() {
    this.vouched = this.kept.length
    for (const [kind, count] of Object.entries(this.since)) this.more[kind] = (this.more[kind] ?? 0) + count
    this.since = {}
  }

  get areVouched() {
    return this.kept.length === this.vouched && Object.keys(this.since).length === 0
  }

  /** True where the row fits, with its own index or another's, one of two leaves that do not fit their rows either. */
  isMoved({ leaf, content, row }) {
    const unmoved = row && contentOf(row, leaf)
    return this.kept.slice(0, this.vouched).some((other) => {
      if (!row || !other.row || other.leaf === leaf) return false
      return unmoved === other.content || [content, other.content].includes(contentOf(row, other.leaf))
    })
  }

  /**
   * Where the first root differs, a leaf without a row is not known to be one that was signed: it may have been that of
   * another row. Returns how many such leaves there are.
   */
  settle(findings, misfit) {
    let renamed = 0
    this.kept.forEach((found, at) => {
      const where = { leaf: found.leaf, rowId: found.rowId }
      const isMisfit = misfit && found.leaf >= misfit.start && found.leaf < misfit.size
      const isRenamed = found.kind === 'removed' && isMisfit
      if (at >= this.vouched) findings.add('forged', `no checkpoint vouches for the leaf, and ${found.message}`, where)
      else if (isRenamed) findings.add('altered', 'the leaf is another than was signed, and has no row', where)
      else if (this.isMoved(found)) findings.add('reordered', 'its row is in the place of another', where)
      else findings.add(found.kind, found.message, where)
      if (at < this.vouched && isRenamed) renamed++
    })
    for (const [kind, count] of Object.entries(this.more)) findings.count(kind, count)
    for (const count of Object.values(this.since)) findings.count('forged', count)
    return renamed
  }
}

// ---- What is held against what

class Log {
  findings = new Findings()
  mismatches = new Mismatches()
  lawful = new Lawful()
  lawfullyErased = 0
  lawfullyRemoved = 0
  chain = new KeyChain()
  keyReceipts = []
  receipts = []
  receiptIds = new Set()
  isSettled = false
  /** The most leaves that a receipt says there were. */
  witnessed = 0
  /** How many leaves were taken; the end of those in order, of those that a checkpoint came before; `[start, end]` of gaps. */
  leaves = 0
  reached = 0
  ahead = 0
  gaps = []
  /** The tree has all leaves so far; its roots at the sizes of anchors. */
  isWhole = true
  roots = new Map()
  /** `{ leaf, unread }`: a leaf with a wrong number, and how many lines before it could not be read. */
  held = null
  /** Lines that can't be read: since the last leaf, and those that stand for no leaf. */
  unread = 0
  spare = 0
  /** The last checkpoint, the sizes that the next one may name, those that were named and not there, the most claimed. */
  last = null
  sizes = new Set([0])
  unseen = new Map()
  claimed = 0
  /** The checkpoint of the first root that differs, and where the leaves begin that it alone is about. */
  misfit = null
  strays = []

  constructor({ origin, from, to, left, right }, { keys = [], anchors = [], onProgress = () => {} }) {
    Object.assign(this, { origin, from, to, right, pins: keys, onProgress, next: from })
    this.tree = new Tree(left.map((root, at) => ({ level: levelsOf(from)[at], root: fromBase64(root) })))
    this.anchors = anchors.map(parseCheckpoint)
    this.watched = new Set(this.anchors.map((anchor) => anchor?.size))
    this.claimed = this.proved = from
    this.keepRoot()
  }

  find(kind, message, where) {
    this.findings.add(kind, message, where)
  }

  // -- Receipts, keys, anchors

  /** Keys are known by the first leaf or checkpoint; later receipts count from where they stand. */
  receipt({ receipt: text }) {
    this.release(null)
    this.unread = 0
    const receipt = parseReceipt(text, this.origin)
    if (receipt && this.receiptIds.has(receipt.body.id)) return this.find('forged', 'a receipt comes twice')
    this.receiptIds.add(receipt?.body.id)
    if (this.isSettled) this.allow(receipt)
    else if (receipt?.body.kind === 'key') this.keyReceipts.push(receipt)
    else this.receipts.push(receipt)
  }

  allow(receipt) {
    if (!receipt || !this.isSigned(receipt)) return this.find('forged', 'a receipt is not signed by the key of the log')
    if (receipt.body.kind !== 'key') this.lawful.add(receipt.body)
    this.witnessed = Math.max(this.witnessed, receipt.body.size)
  }

  isSigned(receipt) {
    const { size, kind } = receipt.body
    return kind === 'key' ? this.chain.add(receipt, this.origin) : this.chain.signed(receipt.note, size, size + 1)
  }

  /** What is wrong with the keys is found where a leaf or a checkpoint was read: before, a receipt may be cut off. */
  settle(findings = this.findings) {
    if (this.isSettled) return
    this.isSettled = true
    this.keyReceipts.sort((a, b) => a.body.size - b.body.size)
    const isBroken = !this.keyReceipts.every((receipt) => this.chain.add(receipt, this.origin))
    if (isBroken) findings.add('forged', 'a receipt does not continue the chain of keys')
    else if (this.chain.keys.length === 0) findings.add('forged', 'there is no receipt of a key')
    else if (this.pins.length > 0 && this.pinnedFrom < 0) findings.add('forged', 'the log has none of the keys given')
    this.witnessed = this.chain.keys.at(-1)?.size ?? 0
    for (const receipt of this.receipts) this.allow(receipt)
    for (const anchor of this.anchors.filter((one) => !this.isOurs(one))) {
      this.find('forged', 'an anchor is not signed by the key of the log', anchor && { checkpoint: anchor.size })
    }
    this.anchors = this.anchors.filter((anchor) => this.isOurs(anchor))
  }

  get pinnedFrom() {
    return this.chain.keys.findIndex(({ text }) => this.pins.includes(text))
  }

  isOurs(checkpoint) {
    return checkpoint?.origin === this.origin && this.chain.signed(checkpoint.note, checkpoint.size)
  }

  /** It may have been anything: a leaf, a checkpoint. */
  unreadable(number) {
    this.find('altered', `line ${number} can not be read`)
    this.unread++
    this.spare++
  }

  // -- Leaves

  /** One with an unexpected number waits for what follows it. */
  leaf(leaf) {
    this.settle()
    this.release(leaf.leaf)
    const { unread } = this
    this.unread = 0
    if (leaf.leaf === this.next || leaf.leaf === this.next + unread) this.take(leaf, leaf.leaf, unread)
    else this.held = { leaf, unread }
  }

  /** The next leaf, or the size of the next checkpoint, tells whether the number alone was wrong. */
  release(follows) {
    if (!this.held) return
    const { leaf, unread } = this.held
    const index = this.next
    this.held = null
    if (follows !== index + 1 + this.unread) {
      this.unread = 0
      return this.take(leaf, leaf.leaf, unread)
    }
    const parts = opened(leaf)
    if (isMissing(leaf.row) || (parts && contentOf(parts, index) === leaf.content)) {
      this.find('altered', `the number of the leaf is ${leaf.leaf}`, { leaf: index, rowId: leaf.id })
      return this.take(leaf, index, 0)
    }
    this.find('reordered', `leaf ${leaf.leaf} is in its place`, { leaf: index })
    this.isWhole = false
    this.pass(index + 1)
  }

  take(leaf, index, unread) {
    const where = { leaf: index, rowId: leaf.id }
    if (++this.leaves % 100_000 === 0) this.onProgress(this.leaves)
    if (index >= this.next) {
      this.skip(index, unread)
      if (this.isWhole) this.tree.add(leafHash(entryOf(leaf)))
      this.pass(index + 1)
    } else if (this.fillGap(index)) this.find('reordered', 'the leaf comes after later ones', where)
    else return this.find('forged', 'the leaf comes twice', where)
    this.takeRow(leaf, index, where)
  }

  /** Leaves are missing before the index, or were in as many lines that can't be read. */
  skip(index, unread) {
    if (index <= this.next) return
    this.isWhole = false
    if (unread !== index - this.next) {
      this.gaps.push([this.next, index])
      this.next = index
      return
    }
    this.spare -= unread
    this.unread = 0
    while (this.next < index) this.pass(this.next + 1)
  }

  /** The next leaf came, or a line in its place. A checkpoint may have come before it. */
  pass(next) {
    if (next <= this.ahead) this.find('reordered', 'the leaf comes after later ones', { leaf: this.next })
    else this.reached = next
    this.next = next
    this.keepRoot()
  }

  /** False where the leaf is not missing. Gaps are in ascending order, and a late leaf splits one. */
  fillGap(index) {
    let low = 0
    for (let high = this.gaps.length; low < high; ) {
      const middle = (low + high) >> 1
      if (this.gaps[middle][1] <= index) low = middle + 1
      else high = middle
    }
    const [start, end] = this.gaps[low] ?? [index + 1]
    if (start > index) return false
    const before = [start, index]
    const after = [index + 1, end]
    this.gaps.splice(low, 1, ...[before, after].filter(([first, stop]) => first < stop))
    return true
  }

  takeRow(leaf, index, where) {
    const { id, content, row } = leaf
    const wrong = (kind, message, parts) => this.mismatches.add({ kind, message, ...where, ...parts })
    if (isMissing(row)) {
      if (!this.lawful.removal(id, index))
        return wrong('removed', 'its row is gone, and no receipt of retention allows it')
      return this.lawfullyRemoved++
    }
    const parts = opened(leaf)
    if (parts === null || row.id !== id) return wrong('altered', 'its row is not that of the leaf')
    if (contentOf(parts, index) !== content) return wrong('altered', 'its row does not fit it', { content, row: parts })
    if (!isErased(row)) return
    if (!isBlank(row)) return wrong('altered', 'its row is erased, and something personal is left')
    if (!this.lawful.erasure(id, row)) return wrong('altered', 'its row is erased, and no receipt of erasure allows it')
    this.lawfullyErased++
  }

  // -- Checkpoints

  checkpoint(line) {
    this.settle()
    this.release(line.size)
    if (line.size === this.next + this.unread) this.skip(line.size, this.unread)
    this.claimed = Math.max(this.claimed, line.size)
    const checkpoint = parseCheckpoint(line.checkpoint)
    if (this.admit(checkpoint, line)) return this.accept(checkpoint)
    for (const { size } of [line, checkpoint ?? line]) {
      this.sizes.add(size)
      this.unseen.delete(size)
    }
  }

  /** False where a checkpoint is not to be used; another one may name its size all the same. */
  admit(checkpoint, line) {
    const { last } = this
    const where = { checkpoint: checkpoint?.size ?? line.size }
    if (!this.isOurs(checkpoint))
      return this.find('forged', 'the checkpoint is not signed by the key of the log', where)
    const { size, root } = checkpoint
    if (line.size !== size || line.root !== root) return this.find('altered', 'what is beside the note differs', where)
    if (size === last?.size) return this.find('forged', 'the checkpoint comes twice', where)
    if (size < last?.size) return this.find('reordered', 'the checkpoint comes after a later one', where)
    return true
  }

  accept(checkpoint) {
    const { size, root, previous } = checkpoint
    const isBeyond = this.to !== null && size > this.to
    // Of a part, the checkpoints before the first one and before the last one may be elsewhere.
    const isAlone = isBeyond || (this.last === null && this.from > 0)
    if (!isAlone && !this.sizes.has(previous)) this.unseen.set(previous, size)
    this.unseen.delete(size)
    this.sizes = new Set([size])
    if (this.next > size)
      this.find('reordered', 'the checkpoint comes after leaves that it is not about', { checkpoint: size })
    this.ahead = isBeyond ? this.to : size
    this.isWhole &&= this.next >= this.ahead
    if (this.isWhole && this.next <= size) this.compareRoot(checkpoint, this.rootAt(size) === root, this.last?.size)
    this.adopt(checkpoint)
  }

  compareRoot({ size }, isEqual, start = this.from) {
    if (isEqual) this.proved = this.next
    else this.misfit ??= { start, size }
  }

  /** It vouches for all leaves so far. */
  adopt(checkpoint) {
    this.last = checkpoint
    this.mismatches.vouch()
    const { size, root } = checkpoint
    for (const anchor of this.anchors.filter((one) => one.size === size)) this.compareAnchor(anchor, root)
  }

  /** Roots at the sizes of anchors are only known as the leaves go by. */
  keepRoot() {
    if (this.isWhole && this.watched.has(this.next)) this.roots.set(this.next, this.tree.root())
  }

  compareAnchor(anchor, root) {
    anchor.fits = anchor.root === root
    if (!anchor.fits) this.find('rolled_back', 'an anchor has another root', { checkpoint: anchor.size })
  }

  /** The root of the leaves so far and, beyond the end of a part, of the subtrees at the right. */
  rootAt(size) {
    const tree = new Tree(this.tree.subtrees)
    const isBeyond = size > this.next && this.right.every(([level, root]) => tree.add(fromBase64(root), level))
    return size === this.next || (isBeyond && tree.size === size) ? tree.root() : null
  }

  stray({ stray }) {
    this.unread = 0
    this.strays.push(stray)
  }

  // -- The end

  /** Of a bundle without its last line nobody knows what else is missing. */
  finish(hasEnd = true) {
    this.release(null)
    this.settle(new Findings())
    this.findMissing(this.mismatches.settle(this.findings, this.misfit))
    if (this.findings.none && this.misfit) {
      this.find('altered', 'the root differs: a leaf before it was altered', { checkpoint: this.misfit.size })
    } else if (this.findings.none && this.next > this.proved) {
      this.find('altered', 'no root that was compared has the leaves from here on', { leaf: this.proved })
    }
    const isPart = this.to !== null || this.findings.counts.truncated > 0
    this.findAnchors(isPart)
    const most = Math.max(this.next, this.claimed)
    if (!isPart && hasEnd && this.witnessed > most + this.spare)
      this.find('rolled_back', `a receipt is of ${this.witnessed} leaves, and the log has ${most}`)
  }

  findMissing(renamed) {
    const { next, last, to, gaps, strays, unseen, spare } = this
    const end = to ?? last?.size ?? 0
    let missing = renamed + Math.max(0, end - next)
    let isCut = next < end
    for (const [start, stop] of gaps) {
      missing += stop - start
      const isBetween = stop <= last?.size && stop <= this.reached
      if (isBetween) this.find('removed', `the leaves from here to ${stop - 1} are missing`, { leaf: start })
      else isCut ||= stop > this.reached && start < end
    }
    if (isCut) this.find('truncated', `the last leaves are missing: there were ${end}`)
    const isUncovered = next > this.claimed && this.mismatches.areVouched && spare === 0
    if (isUncovered) this.find('truncated', 'the checkpoint of the last leaves is missing')
    if (unseen.size > spare)
      for (const size of unseen.keys()) this.find('removed', 'it is missing', { checkpoint: size })
    if (strays.length > missing) for (const rowId of strays) this.find('forged', 'the row has no leaf', { rowId })
  }

  findAnchors(isPart) {
    for (const anchor of this.anchors.filter(({ fits, size }) => fits === undefined && size >= this.from)) {
      const where = { checkpoint: anchor.size }
      if (anchor.size > this.next && !isPart)
        this.find('rolled_back', 'an anchor is of more leaves than the log', where)
      if (this.isWhole && !this.misfit && this.roots.has(anchor.size))
        this.compareAnchor(anchor, this.roots.get(anchor.size))
    }
  }

  report() {
    const { findings, last, pinnedFrom } = this
    return {
      sound: findings.none,
      origin: this.origin,
      leaves: this.leaves,
      checkpoint: last && { size: last.size, root: last.root },
      ...findings.report,
      lawfullyErased: this.lawfullyErased,
      lawfullyRemoved: this.lawfullyRemoved,
      keys: this.chain.keys.map(({ text }) => text),
      // A key vouches for those after it, and for none before it.
      pinned: pinnedFrom >= 0,
      anchors: this.anchors.filter((anchor) => anchor.fits).length,
    }
  }
}

// ---- "A bundle"

/** Lines with their newlines; what is cut off has none. One that no memory could hold can't be read either. */
async function* linesOf(chunks) {
  let pieces = []
  let length = 0
  const keep = (piece) => {
    length += piece.length
    // Whatever comes after it, no line begins so.
    if (length > longestLine) pieces = [Buffer.from('-')]
    pieces.push(piece)
  }
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    let start = 0
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      keep(bytes.subarray(start, end + 1))
      start = end + 1
      yield pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
      pieces = []
      length = 0
    }
    // A copy: the chunk may be filled again.
    if (start < bytes.length) keep(Buffer.from(bytes.subarray(start)))
  }
  if (pieces.length > 0) yield Buffer.concat(pieces)
}

const isCut = (line) => line?.at(-1) !== 10

async function verifyLines(first, lines, options) {
  if (isCut(first)) return unread('truncated', 'there is nothing', options)
  const head = parseHead(first)
  if (!head) return lines.return().then(() => unread('altered', 'the first line can not be read', options))
  const log = new Log(head, options)
  const sum = crypto.createHash('sha256').update(first)
  let count = 1
  let hasEnd = false
  let isEnded = false
  for await (const bytes of lines) {
    isEnded = false
    if (isCut(bytes)) break
    const [kind, line] = parseLine(bytes)
    if (kind === undefined) log.unreadable(count + 1)
    else if (kind !== 'end') log[kind](line)
    hasEnd ||= kind === 'end'
    isEnded = kind === 'end' && line.end === count && line.sha256 === sum.copy().digest('base64')
    sum.update(bytes)
    count++
  }
  log.finish(hasEnd)
  if (log.findings.none && !hasEnd) log.find('truncated', 'the last line is missing')
  if (log.findings.none && !isEnded) log.find('altered', 'the last line does not fit the others')
  return log.report()
}

/** The report where nothing can be held against anything. */
function unread(kind, message, options) {
  const log = new Log({ origin: '', from: 0, to: null, left: [], right: [] }, options)
  log.find(kind, message)
  log.settle(new Findings())
  return { ...log.report(), origin: null }
}

/** @throws TypeError for a key that is none */
function checkKeys({ keys = [] }) {
  const wrong = keys.find((key) => !parseKey(key))
  if (wrong !== undefined) throw new TypeError(`'${wrong}' is no verifier key of Ed25519`)
}

/**
 * Verifies a bundle.
 * @param {AsyncIterable<Uint8Array>} chunks
 * @param {{ keys?: string[], anchors?: string[], onProgress?: (leaves: number) => void }} options
 */
export async function verifyBundle(chunks, options = {}) {
  checkKeys(options)
  const lines = linesOf(chunks)
  return verifyLines((await lines.next()).value, lines, options)
}

// ---- "A proof of one row"

/** Verifies a proof, given as the object that it is, and reports like {@link verifyBundle}. */
export function verifyProof(proof, options = {}) {
  checkKeys(options)
  if (!fits(proofShape, proof)) return unread('altered', 'the proof can not be read', options)
  const { origin, leaf } = proof
  const index = leaf.leaf
  const log = new Log({ origin, from: index, to: index + 1, left: [], right: [] }, options)
  // The root is computed from the proof, and the other leaves have checkpoints elsewhere.
  log.isWhole = false
  log.claimed = Number.POSITIVE_INFINITY
  for (const receipt of proof.receipts) log.receipt({ receipt })
  log.settle()
  log.take(leaf, index, 0)
  const checkpoint = parseCheckpoint(proof.checkpoint)
  if (log.isOurs(checkpoint)) {
    log.compareRoot(checkpoint, isIncluded(entryOf(leaf), index, proof.inclusion, checkpoint))
    log.adopt(checkpoint)
  } else log.find('forged', 'the checkpoint is not signed by the key of the log')
  log.finish()
  return log.report()
}

// ---- The command

const usage = `Usage: node verify-bundle.mjs <bundle.jsonl | proof.json> [options]

  -                instead of a file: standard input
  --key <key>      a verifier key that you know to be the log's; may be repeated
  --anchor <file>  checkpoints that you kept; may be repeated
  --json           the report as JSON

Exit code: 0 sound, 1 a file can't be read, 2 wrong usage, else that of the gravest finding:
${Object.keys(codes)
  .map((kind) => `${kind} ${codes[kind]}`)
  .join(', ')}
`

/** Nothing that a file says can act on the terminal that shows it. */
const printable = (text) => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.codePointAt(0).toString(16)}}`)
const many = (count, one, more = `${one}s`) => `${count.toLocaleString('en')} ${count === 1 ? one : more}`

class NoCheckpoint extends Error {}

/** The notes of a file of anchors. One with none would be held against nothing, and look as if it had been. */
function notesOf(path) {
  const notes = readFileSync(path, 'utf8')
    .split('\u001e')
    .map((note) => note.replace(/^\n+|\n+$/g, ''))
    .filter((note) => note !== '')
  if (notes.length === 0) throw new NoCheckpoint(`${path} has no checkpoint in it`)
  return notes.map((note) => `${note}\n`)
}

/** All through one buffer: what the stream of Node leaves behind is collected late. */
function* chunksOf(path) {
  const file = openSync(path)
  const buffer = Buffer.alloc(2 ** 18)
  try {
    for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer))
      yield buffer.subarray(0, length)
  } finally {
    closeSync(file)
  }
}

/** A proof is one object, on one line or on several; a bundle has its head on the first line. */
async function verifyFile(path, options) {
  const lines = linesOf(path === '-' ? process.stdin : chunksOf(path))
  const { value: first } = await lines.next()
  const isProof = first?.toString().trim() === '{' || (first && parseJson(first)?.countersign === 'proof/v1')
  if (!isProof) return verifyLines(first, lines, options)
  const all = [Buffer.from(first)]
  for await (const line of lines) all.push(Buffer.from(line))
  return verifyProof(parseJson(Buffer.concat(all)), options)
}

function lineAbout({ kind, message, leaf, rowId, checkpoint }) {
  const about = Object.entries({ leaf, row: rowId, 'checkpoint of': checkpoint }).filter(
    ([, value]) => value !== undefined,
  )
  return printable([kind, ...about.map((pair) => pair.join(' ')), message].join(': '))
}

function verdict({
  sound,
  findings,
  counts,
  leaves,
  checkpoint,
  lawfullyErased,
  lawfullyRemoved,
  keys,
  pinned,
  anchors,
}) {
  const said = [
    ...Object.entries(counts).map(([kind, count]) => `${count.toLocaleString('en')} ${kind}`),
    many(leaves, 'leaf', 'leaves'),
    checkpoint ? `checkpoint of ${checkpoint.size.toLocaleString('en')}` : 'no checkpoint',
    lawfullyErased > 0 && `${many(lawfullyErased, 'row')} erased with receipt`,
    lawfullyRemoved > 0 && `${many(lawfullyRemoved, 'row')} taken away with receipt`,
    anchors > 0 && `${many(anchors, 'anchor')} confirmed`,
  ]
  const key =
    keys.length > 0
      ? `key ${keys.at(-1)} (${pinned ? 'pinned' : 'not pinned: compare it with one you know'})`
      : 'no key'
  return printable(`${sound ? 'sound' : findings[0].kind}: ${said.filter(Boolean).join(', ')}; ${key}`)
}

function onProgress(leaves) {
  if (process.stderr.isTTY) process.stderr.write(`${many(leaves, 'leaf', 'leaves')}\r`)
}

/** Returns the exit code. */
async function main(args) {
  const texts = { type: 'string', multiple: true, default: [] }
  const options = { key: texts, anchor: texts, json: { type: 'boolean' } }
  let given
  try {
    given = parseArgs({ args, allowPositionals: true, options })
    if (given.positionals.length !== 1) throw new TypeError('Give one file.')
    checkKeys({ keys: given.values.key })
  } catch (error) {
    process.stderr.write(`${printable(error.message)}\n\n${usage}`)
    return 2
  }
  let report
  try {
    const anchors = given.values.anchor.flatMap(notesOf)
    report = await verifyFile(given.positionals[0], { keys: given.values.key, anchors, onProgress })
  } catch (error) {
    if (!error.syscall && !(error instanceof NoCheckpoint)) throw error
    process.stderr.write(`${printable(error.message)}\n`)
    return 1
  }
  const lines = given.values.json
    ? [JSON.stringify(report, null, 2)]
    : [...report.findings.map(lineAbout), verdict(report)]
  process.stdout.write(`${lines.join('\n')}\n`)
  return report.sound ? 0 : codes[report.findings[0].kind]
}

const isCommand = process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href
if (isCommand) process.exitCode = await main(process.argv.slice(2))
