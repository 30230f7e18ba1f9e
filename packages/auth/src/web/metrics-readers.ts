import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { BlockList, isIPv6 } from 'node:net'
import type { AuthSettings } from '../auth-settings.js'

// Whoever passes a request on from elsewhere says so in one of these.
const forwarded = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/**
 * Tells who may read the metrics: with a token whoever brings it, without one the processes of this
 * machine. Behind a proxy everybody would seem to be one of those, so there only a token counts.
 */
export function metricsReaders({
  metricsToken,
  proxies = 0,
}: Pick<AuthSettings, 'metricsToken' | 'proxies'>): (request: IncomingMessage) => boolean {
  if (metricsToken !== undefined) return bringsToken(metricsToken)
  const isBehindProxy = Array.isArray(proxies) ? proxies.length > 0 : proxies !== 0
  return ({ headers, socket }) =>
    !isBehindProxy && isLoopback(socket.remoteAddress) && !forwarded.some((name) => name in headers)
}

function bringsToken(token: string): (request: IncomingMessage) => boolean {
  const expected = digest(token)
  return ({ headers }) => {
    const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
    return given !== undefined && timingSafeEqual(digest(given), expected)
  }
}

// Of the same length whatever the text, so that comparing tells nothing about it.
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}
