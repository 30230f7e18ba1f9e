const form =
  /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/

/**
 * The form by which accounts are told apart: no outer space, lower case. Null for what is no
 * plain ASCII address: other alphabets have look-alikes, and quoted local parts smuggle recipients.
 */
export function canonicalEmail(text: string): string | null {
  const canonical = text.trim().toLowerCase()
  return canonical.length <= 254 && form.test(canonical) ? canonical : null
}
