import type { Findings } from './findings.js'
import { LawfulChanges } from './lawful-changes.js'
import { LogKeys } from './log-keys.js'
import type { NoteVerifier } from './note-key.js'
import { isKeyReceipt, type ParsedReceipt, parseReceipt, type Receipt } from './receipt.js'

/** The receipts of a log: whose word they are, what they allow, and how many leaves they have seen. */
export class LogReceipts {
  readonly lawful: LawfulChanges = new LawfulChanges()
  /** The one that was signed when the log had the most leaves. */
  last: Receipt | null = null
  readonly #origin: string
  readonly #findings: Findings
  readonly #ids = new Set<string>()
  readonly #waiting: ParsedReceipt[] = []
  #keys: LogKeys | undefined

  constructor(origin: string, findings: Findings) {
    this.#origin = origin
    this.#findings = findings
  }

  /** One that comes twice would allow twice what it says. */
  take(text: string): void {
    const parsed = parseReceipt(text)
    if (!parsed || parsed.origin !== this.#origin) this.#forged('A receipt is none of this log, or can not be read.')
    else if (this.#ids.has(parsed.receipt.id)) this.#forged(`The receipt ${parsed.receipt.id} comes twice.`)
    else {
      this.#ids.add(parsed.receipt.id)
      if (this.#keys) this.#count(parsed, this.#keys)
      else this.#waiting.push(parsed)
    }
  }

  /** The keys of the log, once there is more than receipts: others count from where they stand. */
  settle(known: readonly NoteVerifier[]): LogKeys {
    const keys = new LogKeys(this.#waiting.filter(isKeyReceipt), known)
    this.#keys = keys
    for (const parsed of this.#waiting) {
      if (!isKeyReceipt(parsed)) this.#count(parsed, keys)
      else if (keys.keys.some(({ from }) => from === parsed.receipt.size)) this.#seen(parsed.receipt)
    }
    return keys
  }

  #count(parsed: ParsedReceipt, keys: LogKeys): void {
    const { receipt, note } = parsed
    const isSigned = isKeyReceipt(parsed) ? keys.add(parsed) : keys.haveSigned(note, receipt.size, 'receipt')
    if (isSigned) {
      this.lawful.allow(receipt)
      this.#seen(receipt)
    } else this.#forged(`The receipt ${receipt.id} is not signed by the log's key.`)
  }

  #seen(receipt: Receipt): void {
    if (receipt.size > (this.last?.size ?? 0)) this.last = receipt
  }

  #forged(message: string): void {
    this.#findings.add({ kind: 'forged', message })
  }
}
