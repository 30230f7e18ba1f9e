import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { AuditError } from './audit-error.js'
import { cleanText } from './clean-text.js'
import type { AuditContext } from './context.js'

/** How a context is sealed. */
export interface SealOptions {
  /** What the envelope is good for: the name of a queue or a job. It opens for nothing else. */
  readonly purpose: string
  /** Seconds until it opens no more; a week unless told. */
  readonly seconds?: number
}

/** What is in an envelope. Signed, not encrypted: it holds nothing that a row may not hold. */
interface Letter {
  readonly purpose: string
  /** Seconds since 1970. */
  readonly expires: number
  readonly context: AuditContext
}

const week = 604_800
const version = 'v1'
// A context is bounded; what is longer was not sealed here.
const longest = 16_384

/** Seals contexts with a key, and opens what was sealed with it. */
export class ContextEnvelopes {
  readonly #key: KeyObject

  constructor(key: KeyObject) {
    this.#key = key
  }

  seal(context: AuditContext, options: SealOptions): string {
    const { purpose, seconds = week } = options ?? {}
    assertPurpose(purpose)
    if (!Number.isSafeInteger(seconds) || seconds < 1) {
      throw new AuditError(
        'SETTING_INVALID',
        `An envelope can't be good for ${seconds} second(s). Write a whole number.`,
      )
    }
    const letter: Letter = { purpose, expires: Math.floor(Date.now() / 1000) + seconds, context }
    const content = `${version}.${Buffer.from(JSON.stringify(letter)).toString('base64url')}`
    return `${content}.${this.#signatureOf(content).toString('base64url')}`
  }

  /** @throws AuditError `ENVELOPE_INVALID` */
  open(envelope: unknown, purpose: string): AuditContext {
    assertPurpose(purpose)
    const letter = this.#read(envelope)
    if (letter.purpose !== purpose) {
      throw new AuditError(
        'ENVELOPE_INVALID',
        `The envelope was sealed for '${cleanText(letter.purpose, 64)}', not for '${purpose}'. Open it where it was meant to go.`,
      )
    }
    if (letter.expires <= Date.now() / 1000) {
      throw new AuditError(
        'ENVELOPE_INVALID',
        `The envelope for '${purpose}' has expired. Seal it for longer: { purpose: '${purpose}', seconds: 30 * 86_400 }`,
      )
    }
    return letter.context
  }

  #read(envelope: unknown): Letter {
    const [sealed, payload, signature, ...rest] =
      typeof envelope === 'string' && envelope.length <= longest ? envelope.split('.') : []
    const isSigned =
      sealed === version &&
      rest.length === 0 &&
      signature !== undefined &&
      sameBytes(Buffer.from(signature, 'base64url'), this.#signatureOf(`${sealed}.${payload}`))
    if (isSigned) return JSON.parse(Buffer.from(payload as string, 'base64url').toString()) as Letter
    throw new AuditError(
      'ENVELOPE_INVALID',
      'This is no envelope that was sealed with the key of this trail. Give createAuditTrail the same key in every process, and pass the envelope on as it is.',
    )
  }

  #signatureOf(content: string): Buffer {
    return createHmac('sha256', this.#key).update(content).digest()
  }
}

function assertPurpose(purpose: unknown): void {
  if (typeof purpose === 'string' && purpose !== '' && purpose.length <= 64) return
  throw new AuditError(
    'SETTING_INVALID',
    "An envelope needs a purpose of 1 to 64 characters, the name of the queue or job: { purpose: 'invoices' }",
  )
}

function sameBytes(given: Buffer, right: Buffer): boolean {
  return given.length === right.length && timingSafeEqual(given, right)
}
