import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { type TlogWitnessOptions, tlogWitness } from '@countersign/adapters/tlog-witness'
import { AuditError, type AuditErrorCode } from '@countersign/core'
import {
  type AnchoredCheckpoint,
  CompactTree,
  consistencyProof,
  type Digest,
  leafHash,
  newSigningKey,
  noteSigner,
  type SubtreeReader,
  signCheckpoint,
} from '@countersign/core/evidence'
import { afterEach, expect } from 'vitest'
import { freshFolder } from './fresh-folder.js'
import { serve } from './serve.js'
import { WitnessKey, type WitnessOptions, type WitnessServer, witnessServer } from './witness-server.js'

export const origin = 'example.org/audit'
export const signer = noteSigner(newSigningKey(origin))
/** What is closed when the test has ended. */
export const open: Array<{ close(): Promise<void> }> = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()))
})

/** A log in memory; other `words` make other leaves. */
export function logOf(size: number, words = 'leaf', log = { origin, signer }): AnchoredCheckpoint {
  const leaves = Array.from({ length: size }, (_, index) => leafHash(Buffer.from(`${words} ${index}`)))
  const read: SubtreeReader = async ({ level, from, to }) =>
    Array.from({ length: to - from }, (_, at) =>
      rootOf(leaves.slice((from + at) * 2 ** level, (from + at + 1) * 2 ** level)),
    )
  return {
    origin: log.origin,
    size,
    note: signCheckpoint({ origin: log.origin, size, root: rootOf(leaves), previous: null }, log.signer),
    consistencyProof: (first) => consistencyProof(first, size, read),
  }
}

function rootOf(leaves: readonly Digest[]): Digest {
  const tree = new CompactTree()
  for (const leaf of leaves) tree.append(leaf)
  return tree.root()
}

export async function startWitness(options: Partial<WitnessOptions> = {}): Promise<WitnessServer> {
  const logs = { [origin]: [signer.verifier.text] }
  const witness = await witnessServer({ state: join(freshFolder(), 'witness'), logs, ...options })
  open.push(witness)
  return witness
}

export const impostor = new WitnessKey('witness.example/w1')

/** What answers in the place of a witness, as if it had the impostor's key. */
export async function startAnswering(answer: RequestListener, options: Partial<TlogWitnessOptions> = {}) {
  const served = await serve(answer)
  open.push(served)
  return tlogWitness({ url: served.url, key: impostor.verifierKey, ...options })
}

export const answering = (status: number, body: string | Uint8Array = '', headers: Record<string, string> = {}) =>
  startAnswering((_, response) => response.writeHead(status, headers).end(body))

export async function failureOf(work: Promise<unknown>): Promise<AuditError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(AuditError)
  return error as AuditError
}

export const refused = (code: AuditErrorCode, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

export const statusesOf = ({ exchanges }: WitnessServer) => exchanges.map(({ status }) => status)
export const textOf = (note: string) => note.slice(0, note.lastIndexOf('\n\n') + 1)
