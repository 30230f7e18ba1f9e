/** Whom a password is for, as far as everybody can know it. */
export interface PasswordOwner {
  readonly email: string
  readonly username?: string | null | undefined
}

const leastWord = 4
const leastRest = 8

/** The words of an address or a name that somebody would try: whole, and its parts. */
function wordsOf(text: string): string[] {
  const lower = text.normalize('NFC').toLowerCase()
  return [lower, ...lower.split('@'), ...lower.split(/[^\p{L}\p{N}]+/u)]
}

/** The words of the site: its host without the ending, and what it calls itself. */
export function siteWords(publicUrl: string, names: readonly string[]): string[] {
  const { hostname } = new URL(publicUrl)
  const host = /^[\d.]+$|^\[/.test(hostname) ? [] : wordsOf(hostname.replace(/\.[^.]+$/, ''))
  return [...host, ...names.flatMap(wordsOf)]
}

/**
 * Whether little is left of a password without what is known of its owner and of the site: fewer
 * than eight characters. Words of fewer than four are in too much to say anything.
 */
export function isGuessable(password: string, owner: PasswordOwner, site: readonly string[]): boolean {
  const words = [...site, ...wordsOf(owner.email), ...(owner.username ? wordsOf(owner.username) : [])]
  const longestFirst = words.filter(({ length }) => length >= leastWord).sort((one, other) => other.length - one.length)
  const lower = password.normalize('NFC').toLowerCase()
  const rest = longestFirst.reduce((left, word) => left.replaceAll(word, ''), lower)
  return rest !== lower && [...rest].length < leastRest
}
