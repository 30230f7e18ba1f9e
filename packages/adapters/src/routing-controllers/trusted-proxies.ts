import { AuditError, type Hop } from '@countersign/core'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/**
 * Whom to believe about where a request came from: how many proxies stand in front of the server,
 * or the networks they are in (`'10.0.0.0/8'`). None unless told: then `X-Forwarded-For` is ignored.
 */
export type TrustedProxies = number | readonly string[]

/** Finds the client's address: given the peer's address and the `X-Forwarded-For` header. */
export type AddressResolver = (peer: string | undefined, forwarded: string | undefined) => ResolvedAddress

/** The client's address in canonical form, and the way it took, nearest hop first. */
export interface ResolvedAddress {
  readonly address: string | undefined
  readonly proxies: readonly Hop[] | undefined
}

// A chain is a few hops; what is longer was written by the client.
const maxHops = 16

/**
 * Walks from the socket towards the client for as long as the hops are trusted: what stands
 * further left was written by somebody we don't believe.
 *
 * @throws AuditError `PROXY_INVALID`
 */
export function addressResolver(trusted: TrustedProxies = 0): AddressResolver {
  const isTrusted = trustDecision(trusted)
  // Peers come back with every request of a connection; how many are remembered is bounded.
  const strangers = new Map<string, ResolvedAddress>()
  return (peer = '', forwarded) => {
    const known = strangers.get(peer)
    if (known) return known
    const first = parseAddress(peer)
    if (!first) return { address: undefined, proxies: undefined }
    let client = first
    if (!isTrusted(first, 0)) {
      const stranger = { address: canonical(first), proxies: undefined }
      if (strangers.size >= 1000) strangers.clear()
      strangers.set(peer, stranger)
      return stranger
    }
    const hops: Hop[] = [{ address: canonical(first), trusted: true }]
    for (const text of rightToLeft(forwarded)) {
      const hop = parseAddress(text)
      // What can't be read ends the chain: the last hop that could be is as far as we know.
      if (!hop) break
      client = hop
      const trust = isTrusted(hop, hops.length)
      hops.push({ address: canonical(hop), trusted: trust })
      if (!trust || hops.length >= maxHops) break
    }
    return { address: canonical(client), proxies: hops }
  }
}

function trustDecision(trusted: TrustedProxies): (address: Address, index: number) => boolean {
  if (typeof trusted === 'number') {
    if (!Number.isInteger(trusted) || trusted < 0) {
      throw new AuditError(
        'PROXY_INVALID',
        `proxies: ${trusted} is no number of proxies. Write a whole number, or networks: ['10.0.0.0/8'].`,
      )
    }
    return (_, index) => index < trusted
  }
  if (!Array.isArray(trusted)) {
    throw new AuditError(
      'PROXY_INVALID',
      `proxies: ${String(trusted)} is neither a number nor a list of networks. Write 1, or ['10.0.0.0/8'].`,
    )
  }
  const networks = trusted.map(parseNetwork)
  return (address) =>
    networks.some(([network, bits]) => address.kind() === network.kind() && address.match(network as never, bits))
}

function parseNetwork(text: string): [Address, number] {
  const [bare = '', prefix, ...rest] = String(text).split('/')
  const bits = prefix === undefined ? undefined : Number(prefix)
  // Short, octal and hexadecimal forms would be read as another network than they look.
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(bare) || (bare.includes(':') && ipaddr.IPv6.isValid(bare))
  const address = isAddress && rest.length === 0 ? ipaddr.parse(bare) : null
  const longest = address?.kind() === 'ipv4' ? 32 : 128
  if (!address || !(bits === undefined || (/^\d{1,3}$/.test(prefix ?? '') && bits <= longest))) {
    throw new AuditError(
      'PROXY_INVALID',
      `proxies: '${text}' is no address and no network. Write for example '10.0.0.0/8'.`,
    )
  }
  return unfolded(address, bits ?? longest)
}

/** A network in IPv4-mapped form is the IPv4 network. */
function unfolded(address: Address, bits: number): [Address, number] {
  const isMapped = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96
  return isMapped ? [address.toIPv4Address(), bits - 96] : [address, bits]
}

function* rightToLeft(forwarded: string | undefined): Generator<string> {
  if (forwarded === undefined) return
  // The nearest hops stand last. What a client put in front of them may be long, and hides nothing.
  const parts = forwarded.slice(-4096).split(',')
  for (const part of (forwarded.length > 4096 ? parts.slice(1) : parts).reverse()) yield part.trim()
}

const withPort = /^(?:\[(?<v6>[^\]]+)\](?::\d{1,5})?|(?<v4>\d{1,3}(?:\.\d{1,3}){3}):\d{1,5})$/

/** An address in any spelling that a proxy may write, IPv4-mapped ones unfolded; null for anything else. */
function parseAddress(text: string | undefined): Address | null {
  if (text === undefined || text.length > 64) return null
  const groups = withPort.exec(text)?.groups
  const bare = groups?.v6 ?? groups?.v4 ?? text
  if (!ipaddr.IPv6.isValid(bare) && !ipaddr.IPv4.isValidFourPartDecimal(bare)) return null
  return ipaddr.process(bare)
}

function canonical(address: Address): string {
  // A zone names an interface of this machine, not a place in the network.
  return address.toString().replace(/%.*$/, '')
}
