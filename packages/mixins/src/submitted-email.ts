/** The `email` of the first argument that has one: the body, in most controllers. */
export function submittedEmail(...args: unknown[]): string | null {
  for (const arg of args) {
    const email: unknown = typeof arg === 'object' && arg !== null ? (arg as { email?: unknown }).email : undefined
    if (typeof email === 'string') return email
  }
  return null
}
