/** An element. Children that are texts stay texts: nothing that came from elsewhere is ever read as markup. */
export function el(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties)
  element.append(...children.filter((child) => child !== null && child !== undefined))
  return element
}

/** Says something in a place that screen readers listen to. */
export function say(place, text, refused = false) {
  place.textContent = text
  place.classList.toggle('refused', refused)
}

/** A moment as people here write it; the exact one for machines. */
export function moment(iso) {
  const text = new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })
  return el('time', { dateTime: iso, title: iso }, text)
}

/** `two_factor_challenge` for people. */
export function humanized(name) {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** "Chrome on Linux", from what the server made of the user agent; that text itself where it made nothing of it. */
export function deviceName({ device, user_agent: agent }) {
  const { browser, os } = device ?? {}
  if (browser && os) return `${browser} on ${os}`
  const text = browser ?? os ?? agent ?? 'An unknown device'
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
