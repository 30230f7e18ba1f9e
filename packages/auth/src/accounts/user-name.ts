const form = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{1,30}[A-Za-z0-9])$/

/**
 * The form by which user names are told apart: lower case. Null for what is none: three to
 * thirty-two ASCII letters, digits, dots, dashes and underscores, as other alphabets have
 * look-alikes; without an @, so that no name is anybody's address.
 */
export function canonicalUserName(text: string): string | null {
  const given = text.trim()
  return form.test(given) ? given.toLowerCase() : null
}
