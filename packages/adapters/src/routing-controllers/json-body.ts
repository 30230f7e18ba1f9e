import { isUtf8 } from 'node:buffer'
import type { AnyClass } from '@countersign/mixins'
import 'reflect-metadata'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ActionBody, Param } from './action-body.js'

/** What both frameworks' requests know of their body. */
interface BodiedRequest {
  readonly headers: IncomingMessage['headers']
  readonly body?: unknown
  is(types: string[]): string | false | null
}

type Verify = (request: IncomingMessage, response: ServerResponse, body: Buffer, encoding: string) => void

/** The options of `@Body()`, which are those of body-parser. */
export interface BodyParserOptions {
  readonly type?: string | string[]
  readonly verify?: Verify
}

// Set on the options that were completed, so that a second server does not complete them again.
const completed = new WeakSet<object>()
const maxDepth = 64
// Parsers drop the key without a word, or follow it. Escapes spell it in many ways.
const prototypeKey = '"__proto__"'
const escapedLetter = /\\u00(5f|6f|7[024])/gi

/**
 * Makes an action with a JSON body refuse what routing-controllers would let through to the
 * handler: another media type (an empty body), invalid UTF-8 (replacement characters), an array
 * where an object is declared (validation is skipped), a prototype, and nesting that overflows the
 * stack.
 *
 * @param body the parameter that takes all of it, where there is one
 */
export function guardJson(controller: AnyClass, method: string, body: Param | undefined): ActionBody {
  const isObject = body !== undefined && wantsObject(body, controller, method)
  const options = body ? completedOptions(body, isObject) : {}
  const types = [options.type ?? 'application/json'].flat()
  return {
    json: options,
    refusalOf(given) {
      const request = given as unknown as BodiedRequest
      // Browsers and clients send the length of what they leave out, and no type of it.
      if (body?.required === false && request.headers['content-length'] === '0') return undefined
      if (request.is(types) === false || !isUtf8Typed(request)) return { status: 415, code: 'unsupported_media_type' }
      // A parser in front of the routes has read the body already, without these checks.
      const isMisshapen = isObject && Array.isArray(request.body)
      return isMisshapen ? { status: 400, code: 'malformed_body' } : undefined
    },
  }
}

/** JSON is UTF-8 (RFC 8259); what else a parser could be talked into is a second reading of the bytes. */
function isUtf8Typed(request: BodiedRequest): boolean {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(request.headers['content-type'] ?? '')?.[1]
  return charset === undefined || /^utf-?8$/i.test(charset)
}

function completedOptions(body: Param, wantsObject: boolean): BodyParserOptions {
  const options = (body.extraOptions ?? {}) as BodyParserOptions
  if (completed.has(options)) return options
  const verify: Verify = (request, response, body, encoding) => {
    assertReadable(body, wantsObject)
    options.verify?.(request, response, body, encoding)
  }
  const all = { ...options, verify }
  completed.add(all)
  body.extraOptions = all
  return all
}

function wantsObject(body: Param, controller: AnyClass, method: string): boolean {
  if (body.isArray) return false
  const types: unknown[] | undefined = Reflect.getMetadata('design:paramtypes', controller.prototype, method)
  const type: unknown = body.explicitType ?? types?.[body.index]
  return typeof type === 'function' && type !== Array && type !== Object && type !== String
}

class UnreadableBody extends Error {
  readonly status = 400
  readonly statusCode = 400
  readonly reason = 'malformed_body'
  readonly code = 'malformed_body'
}

function hasPrototype(body: Buffer): boolean {
  if (!body.includes(prototypeKey) && !body.includes('\\u00')) return false
  return /"__proto__"\s*:/.test(spelledOut(body.toString()))
}

/** The text with the key's letters as they are, and without the backslashes that escape something else. */
function spelledOut(text: string): string {
  return text
    .replace(/\\[^u]/g, '')
    .replace(escapedLetter, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

function assertReadable(body: Buffer, wantsObject: boolean): void {
  if (!isUtf8(body)) throw new UnreadableBody('The body is not valid UTF-8.')
  if (hasPrototype(body)) {
    throw new UnreadableBody('The body sets a prototype.')
  }
  let depth = 0
  let inString = false
  let first = true
  for (let index = 0; index < body.length; index++) {
    const byte = body[index] as number
    if (inString) {
      if (byte === 0x5c) index++
      else if (byte === 0x22) inString = false
      continue
    }
    if (byte === 0x22) inString = true
    else if (byte === 0x7b || byte === 0x5b) {
      if (first && wantsObject && byte === 0x5b) throw new UnreadableBody('The body must be a JSON object.')
      first = false
      if (++depth > maxDepth) throw new UnreadableBody('The body is nested too deep.')
    } else if (byte === 0x7d || byte === 0x5d) depth--
  }
}
