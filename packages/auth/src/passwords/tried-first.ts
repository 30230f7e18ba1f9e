import { dictionary } from '@zxcvbn-ts/language-common'

// Of leaks, most used first; in lower case. The list comes with the package, and nothing is fetched.
const listed: ReadonlySet<string> = new Set(dictionary['passwords-common'])

const edges = /^[\P{L}]+|[\P{L}]+$/gu
const leastCore = 6
const mostAround = 8

/**
 * Whether a password is among those that are tried first: on the list, or a word of the list twice,
 * or with no more than a few digits and signs around it. In any case of letters.
 */
export function isCommon(password: string): boolean {
  const lower = password.normalize('NFC').toLowerCase()
  if (listed.has(lower)) return true
  const core = lower.replace(edges, '')
  if (core.length >= leastCore && lower.length - core.length <= mostAround && listed.has(core)) return true
  const half = lower.slice(0, lower.length / 2)
  return half.length >= leastCore && half + half === lower && listed.has(half)
}
