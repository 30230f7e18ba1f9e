import type { Device } from '@countersign/core'
import bowser from 'bowser'

/**
 * Parses user agents for `createAuditTrail({ device: bowserDevice() })`. The same text is parsed
 * once; what is remembered is bounded.
 *
 * @param options.remember how many user agents to keep (1,000)
 */
export function bowserDevice(options: { readonly remember?: number } = {}): (userAgent: string) => Device | null {
  const limit = options.remember ?? 1000
  const known = new Map<string, Device | null>()
  return (userAgent) => {
    const seen = known.get(userAgent)
    if (seen !== undefined) return seen
    if (known.size >= limit) known.clear()
    const device = parse(userAgent)
    known.set(userAgent, device)
    return device
  }
}

function parse(userAgent: string): Device | null {
  if (userAgent.trim() === '') return null
  const { browser, os, platform } = bowser.parse(userAgent)
  const device: Device = {
    ...(browser.name ? { browser: browser.name } : {}),
    ...(os.name ? { os: os.name } : {}),
    ...(platform.type ? { type: platform.type } : {}),
  }
  return Object.keys(device).length > 0 ? device : null
}
