import { createHmac, sign, type webcrypto } from 'node:crypto'
import type { SigningKeys } from '@countersign/auth'

type Json = Readonly<Record<string, unknown>>

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The parts of a token, as they are said. */
export function partsOf(token: string): { header: Json; claims: Json; signature: string } {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const read = (part: string): Json => JSON.parse(Buffer.from(part, 'base64url').toString())
  return { header: read(header), claims: read(claims), signature }
}

/** Signs whatever it is given with the key of a system: what only its own bug, or its thief, could make. */
export async function signedByItself(keys: SigningKeys, header: Json, claims: unknown): Promise<string> {
  const { signing, algorithm } = await keys.current()
  const data = `${encoded(header)}.${encoded(claims)}`
  const digest = algorithm === 'ES256' ? 'sha256' : null
  const signature = sign(digest, Buffer.from(data), { key: signing, dsaEncoding: 'ieee-p1363' })
  return `${data}.${signature.toString('base64url')}`
}

/** Signs with anybody's Ed25519 key. */
export async function signedBy(key: webcrypto.CryptoKey, header: Json, claims: Json): Promise<string> {
  const data = `${encoded(header)}.${encoded(claims)}`
  const signature = await crypto.subtle.sign('Ed25519', key, Buffer.from(data))
  return `${data}.${Buffer.from(signature).toString('base64url')}`
}

/** Computes a code over it with a text that everybody can know, as if that were a secret. */
export function codedWith(secret: string | Buffer, header: Json, claims: Json): string {
  const data = `${encoded(header)}.${encoded(claims)}`
  return `${data}.${createHmac('sha256', secret).update(data).digest('base64url')}`
}
