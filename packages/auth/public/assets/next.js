/**
 * Where a login leads to (`/?next=/somewhere`): an address of this server; null for any other, and for what a browser
 * could take for another one.
 */
export function safeNext(text, origin) {
  // Browsers read \ as /, and leave out tabs and the ends of lines.
  if (!text || /[\\\s\p{Cc}]/u.test(text)) return null
  if (!text.startsWith(`${origin}/`) && !/^\/(?!\/)/.test(text)) return null
  if (!URL.canParse(text, origin)) return null
  // The whole address: the path of '/.//elsewhere' alone would lead there.
  const { href, origin: own } = new URL(text, origin)
  return own === origin ? href : null
}
