const form = /^https?:\/\/[^\s?#]+\/$/

/**
 * What is wrong with an address of ranges of breached passwords; null for one that can be asked, in production also
 * without others reading along. Its words never repeat the address, which may have a password in it.
 */
export function faultOfRangesUrl(url: unknown, { production = false } = {}): string | null {
  const { protocol, hostname, username, password } = partsOf(url)
  if (protocol === '') return 'must be an http or https address that ends with a slash'
  // `fetch` refuses such an address each time, which would look like an outage that never ends.
  if (username !== '' || password !== '') return 'must have no user or password in it'
  if (production && protocol !== 'https:' && !isLoopback(hostname))
    return 'must be an https address in production: whoever is on the way could say that no password is in a leak'
  return null
}

function partsOf(url: unknown): Pick<URL, 'protocol' | 'hostname' | 'username' | 'password'> {
  if (typeof url === 'string' && form.test(url) && URL.canParse(url)) return new URL(url)
  return { protocol: '', hostname: '', username: '', password: '' }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname)
}
