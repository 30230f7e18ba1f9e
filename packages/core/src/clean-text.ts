// Control characters, bidirectional overrides, line and paragraph separators, zero-width marks:
// what can forge a second line, a terminal command or another reading of the text.
const unsafe =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

// Most text has nothing but these, and is done with at one look.
const notPlain = /[^\x20-\x7e]/

/**
 * Text from outside, safe to store and to print: unsafe characters and lone surrogates become
 * U+FFFD, and the length is bounded (in UTF-16 units, never in the middle of a character).
 */
export function cleanText(text: string, limit: number): string {
  let bounded = text
  if (text.length > limit) {
    const last = text.charCodeAt(limit - 2)
    const end = last >= 0xd800 && last <= 0xdbff ? limit - 2 : limit - 1
    bounded = `${text.slice(0, end)}…`
  }
  return notPlain.test(bounded) ? bounded.toWellFormed().replace(unsafe, '\ufffd') : bounded
}

/** JSON text in which what is unsafe is written as an escape: it says the same, and prints as one line. */
export function escapeUnsafe(json: string): string {
  if (!notPlain.test(json)) return json
  return json.replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
