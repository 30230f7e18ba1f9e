/** Secrets of a run, by what they are, and where they turn up. */
export class Canaries {
  readonly #secrets = new Map<string, string>()

  /** Remembers a secret, and returns it. */
  add(what: string, secret: string | undefined): string {
    if (!secret) throw new Error(`${what} is no secret: ${secret}`)
    this.#secrets.set(secret, what)
    return secret
  }

  get size(): number {
    return this.#secrets.size
  }

  /** What a text has in it, in any of the forms in which it could be written. */
  hitsIn(text: string): string[] {
    return [...this.#secrets]
      .filter(([secret]) => formsOf(secret).some((form) => form.test(text)))
      .map(([, what]) => what)
  }
}

const known = new Map<string, RegExp[]>()

function formsOf(secret: string): RegExp[] {
  const forms = known.get(secret) ?? patternsOf(secret)
  known.set(secret, forms)
  return forms
}

function patternsOf(secret: string): RegExp[] {
  // Six digits are found in any id; alone they are a code.
  if (/^\d{6}$/.test(secret)) return [new RegExp(`(?<![\\da-fA-F.-])${secret}(?![\\da-fA-F-])`)]
  // Of a signed token the signature is the secret.
  const parts = secret.split('.').filter((part) => part.length > 20)
  const texts = [secret, ...(parts.length > 1 ? parts.slice(-1) : [])].flatMap((text) => [
    text,
    encodeURIComponent(text),
    Buffer.from(text).toString('hex'),
    Buffer.from(text).toString('base64').replace(/=+$/, ''),
  ])
  return [...new Set(texts)].map((text) => new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i'))
}
