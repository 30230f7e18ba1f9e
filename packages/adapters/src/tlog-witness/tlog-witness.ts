import { AuditError } from '@countersign/core'
import {
  type AnchoredCheckpoint,
  type CheckpointAnchor,
  fileAnchor,
  parseCheckpoint,
  parseSignature,
  toBase64,
} from '@countersign/core/evidence'
import { type CosignatureVerifier, cosignatureVerifier, cosignersOf } from './cosignature.js'
import { rolledBack, sizeWanted } from './refusals.js'
import { askWitness, failed, type WitnessAddress } from './witness-exchange.js'

// Witnesses: https://c2sp.org/tlog-witness

const mostTries = 3
// What a timer can wait.
const longestTimeout = 2 ** 31 - 1

/** Where a witness is, and what it signs with. */
export interface TlogWitnessOptions {
  /** Its submission prefix, of https; of http only on this machine. */
  readonly url: string
  /** Its verifier key, of the type 4 (cosignature/v1): `<name>+<id>+<base64>`. */
  readonly key: string
  /** A file that keeps what it cosigned. Without one, the last checkpoint is known to this process alone. */
  readonly file?: string
  /** How long it may take to answer, in milliseconds (10,000). */
  readonly timeout?: number
}

/**
 * Has checkpoints cosigned by a witness of the C2SP protocol, which does so only where it sees that the log has grown
 * and nothing else. What it cosigned before is found out from it, so nothing need be remembered.
 *
 * @throws AuditError `SETTING_INVALID`, `KEY_INVALID`; of `publish` `LOG_ROLLED_BACK` where the witness knows another
 * log, or a longer one, and `ANCHOR_FAILED` where the checkpoint was not cosigned for another reason
 * @example
 * const anchor = tlogWitness({
 *   url: 'https://remora.n621.de',
 *   key: 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2',
 *   file: '/var/lib/shop/audit.cosigned',
 * })
 */
export function tlogWitness(options: TlogWitnessOptions): CheckpointAnchor {
  const { url, key, file, timeout = 10_000 } = options ?? {}
  if (file !== undefined && (typeof file !== 'string' || file === '')) throw invalid('file must be the path of a file')
  if (!Number.isInteger(timeout) || timeout < 1 || timeout > longestTimeout) {
    throw invalid('timeout must be a whole number of milliseconds')
  }
  const store = file === undefined ? null : fileAnchor({ path: file })
  return new TlogWitness({ url: addressOf(url), timeout }, key, store)
}

class TlogWitness implements CheckpointAnchor {
  readonly name: string
  readonly #address: WitnessAddress
  readonly #key: string
  readonly #verifier: CosignatureVerifier
  readonly #store: CheckpointAnchor | null
  /** The last cosigned checkpoint of each log. */
  readonly #cosigned = new Map<string, { size: number; note: string }>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(address: WitnessAddress, key: string, store: CheckpointAnchor | null) {
    this.#address = address
    this.#key = key
    this.#verifier = cosignatureVerifier(key)
    this.#store = store
    this.name = `witness ${this.#verifier.name}`
  }

  /** In turn: of two at once the smaller one, if it came second, would look like a log that was rolled back. */
  publish(checkpoint: AnchoredCheckpoint): Promise<void> {
    const result = this.#last.then(() => this.#publish(checkpoint))
    this.#last = result.catch(() => undefined)
    return result
  }

  async read(): Promise<readonly string[]> {
    return this.#store ? this.#store.read() : [...this.#cosigned.values()].map(({ note }) => note)
  }

  async #publish(checkpoint: AnchoredCheckpoint): Promise<void> {
    const { origin, size, note } = checkpoint
    const witness = this.#verifier.name
    const parsed = parseCheckpoint(note)
    if (parsed?.origin !== origin || parsed.size !== size) {
      throw failed(`What is to be published is no checkpoint of ${size} leaves of '${origin}'. Sign one of them.`)
    }
    let old = this.#cosigned.get(origin)?.size ?? 0
    if (old > size) throw rolledBack({ witness, checkpoint }, old)
    for (let tries = 0; tries < mostTries; tries++) {
      const answer = await askWitness(this.#address, await requestOf(checkpoint, old))
      if (answer.status === 200) return this.#keep(checkpoint, answer.body)
      old = sizeWanted(answer, { witness, checkpoint, old })
    }
    throw failed(
      `The witness ${witness} wanted a proof from another size ${mostTries} times (409). Publish again, from one process.`,
    )
  }

  async #keep(checkpoint: AnchoredCheckpoint, body: string): Promise<void> {
    const { origin, size } = checkpoint
    const note = this.#cosignedNote(checkpoint.note, body)
    this.#cosigned.set(origin, { size, note })
    const consistencyProof = (from: number) => checkpoint.consistencyProof(from)
    await this.#store?.publish({ origin, size, note, consistencyProof })
  }

  /** The checkpoint with the cosignature, once that is verified; those of other keys are nobody's word. */
  #cosignedNote(note: string, body: string): string {
    const { name, id } = this.#verifier
    const lines = body.endsWith('\n') ? body.slice(0, -1).split('\n') : ['']
    const signatures = lines.map(parseSignature)
    if (signatures.includes(null)) {
      throw failed(`The witness ${name} answered 200 and no cosignature. Check that url is its submission prefix.`)
    }
    const own = new Set<string>()
    for (const signature of signatures) {
      if (signature?.name === name && signature.id === id) own.add(signature.line)
    }
    if (own.size === 0) {
      throw failed(
        `The witness answered 200 and cosigned with other keys than ${name}+${id}. Check that key is its key.`,
      )
    }
    const cosigned = note + [...own].join('')
    if (cosignersOf(cosigned, [this.#key])?.length !== 1) {
      throw failed(`The witness ${name} answered 200 and a cosignature that does not verify. Tell its operator.`)
    }
    return cosigned
  }
}

async function requestOf(checkpoint: AnchoredCheckpoint, old: number): Promise<string> {
  // Where nothing or everything is known already, there is nothing to prove.
  const proof = old === 0 || old === checkpoint.size ? [] : await checkpoint.consistencyProof(old)
  return `old ${old}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${checkpoint.note}`
}

/** Of `add-checkpoint`. */
function addressOf(prefix: string): string {
  const url = typeof prefix === 'string' && URL.canParse(prefix) ? new URL(prefix) : null
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  if (!url || !isSafe || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw invalid(
      "url must be the submission prefix of a witness, with https (http on this machine alone), no password and no query, such as 'https://witness.example'",
    )
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}/add-checkpoint`
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname)
}

function invalid(what: string): AuditError {
  return new AuditError('SETTING_INVALID', `A witness can't be asked: ${what}. Write: tlogWitness({ url, key })`)
}
