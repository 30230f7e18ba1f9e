import { AuditError } from '@countersign/core'
import type { AnchoredCheckpoint } from '@countersign/core/evidence'
import { failed, type WitnessAnswer } from './witness-exchange.js'

const remedies: Readonly<Record<number, string>> = {
  400: 'It takes the request for malformed: check that url is the submission prefix of a C2SP witness.',
  403: "It trusts no key that signed the checkpoint: give its operator the log's public key.",
  404: 'It does not know the log, or url is wrong: ask its operator to add the origin, or correct url.',
  409: 'It named no size to go on from, as a witness must: tell its operator.',
  422: 'It refuses a proof where none was due: tell its operator.',
  429: 'It is asked too often: publish less often.',
}

/** What a request was about. */
export interface Submission {
  readonly witness: string
  readonly checkpoint: AnchoredCheckpoint
  /** The size that the proof of the request began at. */
  readonly old: number
}

/**
 * The size that a witness wants the proof to begin at.
 *
 * @throws AuditError `LOG_ROLLED_BACK` or `ANCHOR_FAILED` for any other answer
 */
export function sizeWanted(answer: WitnessAnswer, submission: Submission): number {
  const { status, contentType, body } = answer
  const { witness, checkpoint, old } = submission
  const { origin, size } = checkpoint
  const wanted = status === 409 && contentType === 'text/x.tlog.size' ? sizeOf(body) : null
  if (wanted !== null) {
    if (wanted > size) throw rolledBack(submission, wanted)
    return wanted
  }
  // The witness has cosigned that many leaves, and these are others. Some say 422 where the protocol asks for 409.
  if ((status === 409 && contentType !== 'text/x.tlog.size' && old === size) || (status === 422 && old > 0)) {
    throw new AuditError(
      'LOG_ROLLED_BACK',
      `The witness ${witness} cosigned ${old} leaves of '${origin}', and the log of ${size} does not begin with them (${status}): it was rewritten, or its stored hashes are damaged. ${verifyIt}`,
      { cause: causeOf(answer) },
    )
  }
  throw failed(`The witness ${witness} answered ${status}. ${remedyOf(status)}`, causeOf(answer))
}

/** The witness knows more of the log than the log does. */
export function rolledBack(
  { witness, checkpoint: { origin, size } }: Omit<Submission, 'old'>,
  cosigned: number,
): AuditError {
  return new AuditError(
    'LOG_ROLLED_BACK',
    `The witness ${witness} cosigned ${cosigned} leaves of '${origin}', and the log has ${size}: it was rolled back, or another process publishes. ${verifyIt}`,
  )
}

const verifyIt = 'Verify the log against what its anchors keep.'

function sizeOf(body: string): number | null {
  const size = /^(?:0|[1-9]\d*)\n$/.test(body) ? Number(body) : Number.NaN
  return Number.isSafeInteger(size) ? size : null
}

function remedyOf(status: number): string {
  if (status >= 500) return 'The fault is its own: publish again later, and tell its operator if it lasts.'
  if (status >= 300 && status < 400) return 'Redirects are not followed: give the address where the witness is as url.'
  return remedies[status] ?? 'No witness answers so: check that url is its submission prefix.'
}

/** What the witness wrote, as far as somebody reads: escaped, since anything may be in it. */
function causeOf({ body }: WitnessAnswer): Error | undefined {
  return body === '' ? undefined : new Error(`The witness wrote: ${JSON.stringify(body.slice(0, 500))}`)
}
