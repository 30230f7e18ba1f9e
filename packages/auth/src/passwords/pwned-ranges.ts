import { createHash } from 'node:crypto'
import type { BreachedPasswords } from './breached-passwords.js'

const prefixLength = 5
// Several times what the longest range has, with its padding.
const longestAnswer = 256 * 1024
const line = /^([0-9A-F]{35}):(\d+)$/i

/** Where {@link PwnedRanges} are, and for how many seconds they are waited for. */
export interface PwnedRangesOptions {
  readonly url?: string | undefined
  readonly timeout?: number | undefined
}

/**
 * Asks Have I Been Pwned, or whoever speaks its protocol, by k-anonymity: for all hashes that begin with the first
 * five digits of that of the password, which are those of hundreds of others. Which of them is looked for is known
 * here only.
 *
 * See https://haveibeenpwned.com/API/v3#PwnedPasswords
 */
export class PwnedRanges implements BreachedPasswords {
  readonly #url: string
  readonly #milliseconds: number

  constructor({ url = 'https://api.pwnedpasswords.com/range/', timeout = 2 }: PwnedRangesOptions = {}) {
    this.#url = url
    this.#milliseconds = timeout * 1000
  }

  async includes(password: string): Promise<boolean> {
    const hash = createHash('sha1').update(password.normalize('NFC')).digest('hex').toUpperCase()
    const range = await this.#range(hash.slice(0, prefixLength))
    // What is there zero times is padding.
    return (range.get(hash.slice(prefixLength)) ?? 0) > 0
  }

  async #range(prefix: string): Promise<Map<string, number>> {
    const answer = await fetch(`${this.#url}${prefix}`, {
      // Padded, an answer does not tell by its length, to who watches the line, which range it is.
      headers: { 'Add-Padding': 'true', 'User-Agent': 'countersign' },
      redirect: 'manual',
      signal: AbortSignal.timeout(this.#milliseconds),
    }).catch(unwrap)
    if (answer.status !== 200) {
      await answer.body?.cancel()
      throw failure(`HTTP_${answer.status}`)
    }
    return countsOf(await textOf(answer))
  }
}

/** Counts what was unpacked: a small answer can be a large one. */
async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  // Whatever ends the loop early cancels the rest.
  for await (const chunk of body ?? []) {
    length += chunk.byteLength
    if (length > longestAnswer) throw failure('ANSWER_INVALID')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function countsOf(text: string): Map<string, number> {
  const found = text
    .trim()
    .split(/\r?\n/)
    .map((each) => line.exec(each))
  // A range is never empty: whoever has nothing of it is not who was asked for.
  if (found.includes(null)) throw failure('ANSWER_INVALID')
  return new Map(found.map((match) => [match?.[1]?.toUpperCase() ?? '', Number(match?.[2])]))
}

/** `fetch` says of everything that it failed; why is the cause. */
function unwrap(error: Error): never {
  throw error.cause ?? error
}

function failure(code: string): Error {
  return Object.assign(new Error('The ranges of breached passwords could not be read.'), { code })
}
