const form =
  /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])$/

/**
 * The form by which accounts are told apart: no outer space, lower case. Null for what is no
 * plain ASCII address: other alphabets have look-alikes, and quoted local parts smuggle recipients.
 */
export function canonicalEmail(text: string): string | null {
  const given = text.trim()
  // Before lower-casing: that makes a k of the Kelvin sign, and mail would go to another mailbox.
  return given.length <= 254 && form.test(given) ? given.toLowerCase() : null
}
