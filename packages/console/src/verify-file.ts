import { readBundle, type VerifyOptions, type VerifyReport, verifyLog } from '@countersign/core/evidence'
import { bytesOf } from './given-files.js'

/** What of the verifier that stands alone is used here. */
interface ProofVerifier {
  verifyProof(proof: unknown, options: { keys: string[]; anchors: readonly string[] }): VerifyReport
}

/**
 * Verifies a file: a bundle, or the proof of one row.
 *
 * @throws AuditError `SETTING_INVALID` for a file that can't be read
 */
export async function verifyFile(path: string, options: VerifyOptions): Promise<VerifyReport> {
  const chunks = bytesOf(path)
  const begun: Uint8Array[] = []
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    begun.push(next.value)
    if (next.value.includes(0x0a)) break
  }
  const all = joined(begun, chunks)
  return beginsProof(begun) ? verifyProofText(await textOf(all), options) : verifyLog(await readBundle(all), options)
}

async function* joined(begun: readonly Uint8Array[], rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* begun
  yield* rest
}

/** A proof is one object, on one line or on several; a bundle has its head on the first line. */
function beginsProof(begun: readonly Uint8Array[]): boolean {
  return /^\s*\{\s*(?:$|\n|"countersign"\s*:\s*"proof\/)/.test(Buffer.concat(begun).toString('utf8', 0, 200))
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const taken: Uint8Array[] = []
  for await (const chunk of chunks) taken.push(chunk)
  return Buffer.concat(taken).toString('utf8')
}

async function verifyProofText(text: string, { keys = [], anchors = [] }: VerifyOptions): Promise<VerifyReport> {
  const verifier = new URL('../verify/verify-bundle.mjs', import.meta.url).href
  const { verifyProof } = (await import(verifier)) as ProofVerifier
  return verifyProof(proofOf(text), { keys: keys.map((key) => key.text), anchors })
}

/** What can't be read is a finding, as it is in a bundle. */
function proofOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
