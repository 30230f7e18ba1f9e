import { AuditError } from '@countersign/core'

// What a witness has to say takes some hundred bytes.
const longestAnswer = 64 * 1024

/** What came back from a witness. */
export interface WitnessAnswer {
  readonly status: number
  readonly contentType: string | null
  readonly body: string
}

/** Where a witness is, and how long it may take. */
export interface WitnessAddress {
  /** Of `add-checkpoint`. */
  readonly url: string
  /** In milliseconds. */
  readonly timeout: number
}

/**
 * Sends a checkpoint to a witness; whatever its status, an answer is an answer.
 *
 * @throws AuditError `ANCHOR_FAILED` where none comes, not in time, or one that is too long
 */
export async function askWitness({ url, timeout }: WitnessAddress, body: string): Promise<WitnessAnswer> {
  const signal = AbortSignal.timeout(timeout)
  try {
    // A redirect would take the checkpoint to somebody who was not chosen.
    const response = await fetch(url, { method: 'POST', body, redirect: 'manual', signal })
    const { status, headers } = response
    return { status, contentType: headers.get('content-type'), body: await bodyOf(response) }
  } catch (cause) {
    if (cause instanceof AuditError) throw cause
    throw signal.aborted
      ? failed(`The witness at ${url} did not answer within ${timeout} ms. Publish again, or raise timeout.`, cause)
      : failed(`The witness at ${url} can't be reached. Check that url is right and the network lets it pass.`, cause)
  }
}

async function bodyOf({ status, url, body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.length
    // Leaving the loop closes the connection: what else would come is not awaited.
    if (length > longestAnswer) {
      throw failed(
        `The witness at ${url} answered ${status} and more than 64 KiB. No witness does: check that url is right.`,
      )
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** A fault of the anchor: the checkpoint is not kept there. */
export function failed(message: string, cause?: unknown): AuditError {
  return new AuditError('ANCHOR_FAILED', message, { cause })
}
