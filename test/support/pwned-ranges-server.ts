import { createHash, randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { serve } from './serve.js'

// After the words of https://haveibeenpwned.com/API/v3#PwnedPasswords; shares no line with what asks it.

/** What was asked, and all that came with it. */
export interface RangeRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A server of ranges of breached passwords, and what it does instead of answering. */
export interface PwnedRangesServer {
  /** Up to the slash before the prefix. */
  readonly url: string
  readonly requests: RangeRequest[]
  /** How often each password was seen; zero is padding. */
  readonly seen: Map<string, number>
  /** How it answers until it is told otherwise. */
  fails: ((response: ServerResponse) => void) | null
  close(): Promise<void>
}

export const sha1 = (password: string): string => createHash('sha1').update(password).digest('hex').toUpperCase()

export async function pwnedRangesServer(): Promise<PwnedRangesServer> {
  const requests: RangeRequest[] = []
  const seen = new Map<string, number>()
  const served = await serve(async (request, response) => {
    const { method = '', url = '', headers } = request
    requests.push({ method, url, headers, body: Buffer.concat(await request.toArray()).toString() })
    if (ranges.fails) ranges.fails(response)
    else response.writeHead(200, { 'content-type': 'text/plain' }).end(rangeOf(url, seen))
  })
  const ranges: PwnedRangesServer = {
    url: `${served.url}/range/`,
    requests,
    seen,
    fails: null,
    close: () => served.close(),
  }
  return ranges
}

function rangeOf(url: string, seen: ReadonlyMap<string, number>): string {
  const prefix = url.slice('/range/'.length)
  const others = Array.from({ length: 20 }, () => `${randomHex(35)}:${randomBytes(1)[0]}`)
  const padding = Array.from({ length: 20 }, () => `${randomHex(35)}:0`)
  const own = [...seen].flatMap(([password, count]) =>
    sha1(password).startsWith(prefix) ? [`${sha1(password).slice(5)}:${count}`] : [],
  )
  return [...others, ...own, ...padding].sort().join('\r\n')
}

function randomHex(length: number): string {
  return randomBytes(length).toString('hex').slice(0, length).toUpperCase()
}
