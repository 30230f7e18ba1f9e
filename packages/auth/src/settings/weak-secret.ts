const leastBytes = 32
const leastBits = 96
const shortestPeriod = 16
const wellKnown =
  /change.?me|replace.?me|secret|password|example|default|insecure|qwerty|letmein|0123456789|1234567|abcdefgh/gi

/**
 * Why a secret could be guessed, in words to go on with after its name; null for one that looks random. What only
 * looks so is not found out: take 32 random bytes.
 *
 * @example
 * weaknessOf('changeme'.repeat(4)) // 'looks like no random bytes: …'
 */
export function weaknessOf(secret: string | Uint8Array): string | null {
  const bytes = Buffer.from(secret as string)
  const remedy = "take 32 random bytes or more ('openssl rand -base64 32')"
  if (bytes.length < leastBytes) return `has ${bytes.length} bytes and needs ${leastBytes} or more: ${remedy}`
  const rest = typeof secret === 'string' ? Buffer.from(secret.replaceAll(wellKnown, '')) : bytes
  if (isPeriodic(bytes) || bitsOf(rest) < leastBits) return `looks like no random bytes: ${remedy}`
  return null
}

function isPeriodic(bytes: Buffer): boolean {
  for (let period = 1; period < shortestPeriod; period++)
    if (bytes.subarray(period).equals(bytes.subarray(0, -period))) return true
  return false
}

/** By how often each byte occurs (Shannon): the most that there can be in it. */
function bitsOf(bytes: Buffer): number {
  const counts = new Map<number, number>()
  for (const byte of bytes) counts.set(byte, (counts.get(byte) ?? 0) + 1)
  let bits = 0
  for (const times of counts.values()) bits -= times * Math.log2(times / bytes.length)
  return bits
}
