import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { treeHead, verifyConsistency } from './rfc9162.js'
import { type Served, serve } from './serve.js'

// A witness after the words of https://c2sp.org/tlog-witness, and of the documents of signed notes, checkpoints and
// cosignatures that it stands on. The toolkit's client is held against it, so it shares no line with the toolkit.

/** "old size", proof, checkpoint. */
interface Request {
  readonly old: number
  readonly proof: readonly Uint8Array[]
  readonly text: string
  readonly signatures: readonly NoteLine[]
}

interface NoteLine {
  readonly name: string
  readonly id: string
  readonly signature: Uint8Array
}

interface Head {
  readonly origin: string
  readonly size: number
  readonly root: Uint8Array
}

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface WitnessOptions {
  /** A file; another witness that is given the same one later goes on with its key and what it cosigned. */
  readonly state: string
  readonly name?: string
  /** The verifier keys that are trusted for an origin. */
  readonly logs: Readonly<Record<string, readonly string[]>>
  /** In seconds. */
  readonly clock?: () => number
}

export interface WitnessServer {
  /** The submission prefix. */
  readonly url: string
  /** As a client is given it. */
  readonly key: string
  /** What came and what was answered, in turn. */
  readonly exchanges: ReadonlyArray<{ body: string; status: number }>
  /** How many leaves it last cosigned of a log. */
  cosigned(origin: string): number
  close(): Promise<void>
}

export async function witnessServer(options: WitnessOptions): Promise<WitnessServer> {
  const witness = new Witness(options)
  const exchanges: Array<{ body: string; status: number }> = []
  const served: Served = await serve(async (request, response) => {
    const body = await bodyOf(request)
    const answer = request.url === '/add-checkpoint' ? respond(request, body) : { status: 404, body: 'no such path\n' }
    exchanges.push({ body: body.toString(), status: answer.status })
    response.writeHead(answer.status, answer.headers ?? {}).end(answer.body ?? '')
  })
  function respond({ method }: IncomingMessage, body: Buffer): Answer {
    if (method !== 'POST') return { status: 405, headers: { allow: 'POST' } }
    return witness.addCheckpoint(body)
  }
  return {
    url: served.url,
    key: witness.key.verifierKey,
    exchanges,
    cosigned: (origin) => witness.latest(origin)?.size ?? 0,
    close: () => served.close(),
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

class Witness {
  readonly key: WitnessKey
  readonly #options: WitnessOptions
  readonly #latest: Map<string, { size: number; root: string }>

  constructor(options: WitnessOptions) {
    this.#options = options
    const { seed, latest } = readState(options.state)
    this.key = new WitnessKey(options.name ?? 'witness.example/w1', Buffer.from(seed, 'hex'))
    this.#latest = new Map(Object.entries(latest))
    this.#persist()
  }

  latest(origin: string): Head | null {
    const kept = this.#latest.get(origin)
    return kept ? { origin, size: kept.size, root: Buffer.from(kept.root, 'base64') } : null
  }

  /** The checks of "add-checkpoint", in its order. Nothing is awaited in between, so that no other request comes in. */
  addCheckpoint(body: Buffer): Answer {
    const request = parseRequest(body)
    const head = request && headOf(request.text)
    if (!request || !head) return { status: 400, body: 'malformed\n' }
    const { old, proof, text, signatures } = request
    const trusted = this.#options.logs[head.origin]
    if (!trusted) return { status: 404, body: 'unknown log\n' }
    if (!isSigned(text, signatures, trusted)) return { status: 403, body: 'no trusted signature\n' }
    if (old > head.size) return { status: 400, body: 'the old size is above the new one\n' }
    const latest = this.latest(head.origin) ?? { size: 0, root: treeHead([]) }
    if (old !== latest.size) {
      return { status: 409, headers: { 'content-type': 'text/x.tlog.size' }, body: `${latest.size}\n` }
    }
    if (old === head.size) {
      if (proof.length > 0) return { status: 422, body: 'a proof of nothing\n' }
      if (Buffer.compare(latest.root, head.root) !== 0) return { status: 409, body: 'another root\n' }
    } else {
      const claim = { first: old, firstRoot: latest.root, second: head.size, secondRoot: head.root, proof }
      if (!verifyConsistency(claim)) return { status: 422, body: 'the proof does not hold\n' }
    }
    this.#latest.set(head.origin, { size: head.size, root: Buffer.from(head.root).toString('base64') })
    // "MUST persist the new checkpoint before responding".
    this.#persist()
    const seconds = (this.#options.clock ?? (() => Math.floor(Date.now() / 1000)))()
    return { status: 200, body: this.key.cosign(text, seconds) }
  }

  #persist(): void {
    const { state } = this.#options
    const file = openSync(`${state}.new`, 'w', 0o600)
    writeSync(file, JSON.stringify({ seed: this.key.seed.toString('hex'), latest: Object.fromEntries(this.#latest) }))
    fsyncSync(file)
    closeSync(file)
    renameSync(`${state}.new`, state)
  }
}

interface State {
  readonly seed: string
  readonly latest: Readonly<Record<string, { size: number; root: string }>>
}

function readState(path: string): State {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as State
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return { seed: randomBytes(32).toString('hex'), latest: {} }
  }
}

/** An Ed25519 key for cosignatures: "a timestamped_signature", under a key ID with the byte 0x04. */
export class WitnessKey {
  readonly verifierKey: string
  readonly name: string
  readonly seed: Buffer
  readonly #id: Buffer
  readonly #private: KeyObject

  constructor(name: string, seed: Buffer = randomBytes(32)) {
    this.name = name
    this.seed = seed
    const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
    this.#private = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
    const { x = '' } = createPublicKey(this.#private).export({ format: 'jwk' })
    const typed = Buffer.concat([Buffer.of(0x04), Buffer.from(x, 'base64url')])
    this.#id = idOf(name, typed)
    this.verifierKey = `${name}+${this.#id.toString('hex')}+${typed.toString('base64')}`
  }

  /** A signature line for the text of a checkpoint. */
  cosign(text: string, seconds: number): string {
    const timestamp = Buffer.alloc(8)
    timestamp.writeBigUInt64BE(BigInt(seconds))
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`), this.#private)
    return `\u2014 ${this.name} ${Buffer.concat([this.#id, timestamp, signature]).toString('base64')}\n`
  }
}

/** "SHA-256(key name || 0x0A || signature type || public key)[:4]". */
function idOf(name: string, typedKey: Uint8Array): Buffer {
  return createHash('sha256').update(`${name}\n`).update(typedKey).digest().subarray(0, 4)
}

function parseRequest(body: Buffer): Request | null {
  const whole = body.toString()
  if (Buffer.compare(Buffer.from(whole), body) !== 0) return null
  const end = whole.indexOf('\n\n')
  const [first = '', ...lines] = whole.slice(0, end).split('\n')
  const old = first.startsWith('old ') ? numberOf(first.slice(4)) : null
  const proof = lines.map((line) => bytesOf(line)).filter((hash) => hash?.length === 32) as Buffer[]
  if (end < 0 || old === null || lines.length > 63 || proof.length !== lines.length) return null
  const note = noteOf(whole.slice(end + 2))
  return note && { old, proof, ...note }
}

/** "The text is separated from the signatures by the last empty line in the note." */
function noteOf(note: string): { text: string; signatures: NoteLine[] } | null {
  const separator = note.lastIndexOf('\n\n')
  if (separator < 0 || !note.endsWith('\n') || [...note].some((char) => char < ' ' && char !== '\n')) return null
  const lines = note.slice(separator + 2, -1).split('\n')
  const signatures = lines.flatMap((line) => {
    const [dash, name = '', base64 = '', ...more] = line.split(' ')
    const bytes = bytesOf(base64)
    if (dash !== '\u2014' || name === '' || name.includes('+') || more.length > 0 || !bytes || bytes.length < 5)
      return []
    return [{ name, id: bytes.toString('hex', 0, 4), signature: bytes.subarray(4) }]
  })
  return signatures.length === lines.length ? { text: note.slice(0, separator + 1), signatures } : null
}

function headOf(text: string): Head | null {
  const [origin = '', second = '', third = '', ...extensions] = text.slice(0, -1).split('\n')
  const size = numberOf(second)
  const root = bytesOf(third)
  if (origin === '' || size === null || root?.length !== 32 || extensions.includes('')) return null
  return { origin, size, root }
}

/** One trusted key at the least has signed, and none of them is claimed to have and has not. */
function isSigned(text: string, signatures: readonly NoteLine[], trusted: readonly string[]): boolean {
  const verdicts = trusted.flatMap((verifierKey) => {
    const [, name = '', id, base64 = ''] = /^([^+]+)\+([^+]+)\+(.+)$/.exec(verifierKey) ?? []
    const x = Buffer.from(base64, 'base64').subarray(1).toString('base64url')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    return signatures
      .filter((line) => line.name === name && line.id === id)
      .map(({ signature }) => verify(null, Buffer.from(text), key, signature))
  })
  return verdicts.length > 0 && !verdicts.includes(false)
}

/** "ASCII decimal with no leading zeroes". */
function numberOf(text: string): number | null {
  return text === String(Number(text)) && Number.isSafeInteger(Number(text)) && !text.startsWith('-')
    ? Number(text)
    : null
}

/** Padded base64, in its one canonical form. */
function bytesOf(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64')
  return text !== '' && bytes.toString('base64') === text ? bytes : null
}
