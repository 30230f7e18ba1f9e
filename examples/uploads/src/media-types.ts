/** A media type that is taken, and the ending that its files get. */
export interface MediaType {
  readonly name: string
  readonly extension: string
}

interface Signature extends MediaType {
  /** What every such file begins with. */
  readonly bytes: Buffer
}

const signatures: readonly Signature[] = [
  { name: 'image/png', extension: 'png', bytes: Buffer.from('89504e470d0a1a0a', 'hex') },
  { name: 'image/jpeg', extension: 'jpg', bytes: Buffer.from('ffd8ff', 'hex') },
  { name: 'application/pdf', extension: 'pdf', bytes: Buffer.from('%PDF-') },
]

/** What a file is by its first bytes, whatever its name and the client say; null for what is not taken. */
export function mediaTypeOf(content: Buffer): MediaType | null {
  return signatures.find(({ bytes }) => content.subarray(0, bytes.length).equals(bytes)) ?? null
}
