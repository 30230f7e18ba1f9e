import type { IncomingMessage } from 'node:http'
import { AuditError } from '@countersign/core'
import bodyParser from 'body-parser'
import type { Context, Middleware } from 'koa'
import type { ActionBody } from '../action-body.js'

const key: unique symbol = Symbol('countersign.body')

/** Who reads a body when its turn has come; null for one that was not postponed. */
interface PostponedBody {
  readonly parser: Middleware | null
}

interface BodyContext {
  [key]?: PostponedBody
  disableBodyParser?: boolean
}

/**
 * routing-controllers reads every body on Koa before there is a route. The body of an audited
 * action waits until its attempt is open.
 */
export function postponeBody(context: Context, parser: Middleware): void {
  const flags = context as BodyContext
  // The first of several servers on one application has decided for all.
  if (flags[key]) return
  // Somebody in front has read it, or has said that nobody shall.
  const isTaken = bodyOf(context) !== undefined || flags.disableBodyParser === true
  flags[key] = { parser: isTaken ? null : parser }
  if (isTaken) return
  flags.disableBodyParser = true
  announceBody(context)
}

/** HTTP/2 announces no body of unknown length, and parsers take it for none. */
function announceBody({ req }: Context): void {
  const { headers, httpVersionMajor } = req
  if (httpVersionMajor < 2 || headers['content-length'] !== undefined) return
  const { endAfterHeaders } = (req as IncomingMessage & { stream: { endAfterHeaders: boolean } }).stream
  if (!endAfterHeaders) headers['transfer-encoding'] = 'chunked'
}

/** Notes that a body is read as always, before the route. */
export function leaveBody(context: Context): void {
  ;(context as BodyContext)[key] ??= { parser: null }
}

/**
 * Reads a body that was postponed: declared JSON as Express does, by the same parser with the same
 * options and checks, anything else by the parser that would have read it.
 *
 * @throws AuditError `CONTROLLERS_INVALID` when the server's driver is one that was not prepared
 */
export async function readBody(context: Context, body: ActionBody | undefined): Promise<void> {
  const flags = context as BodyContext
  const postponed = flags[key]
  if (!postponed) throw unprepared()
  if (!postponed.parser) return
  flags.disableBodyParser = false
  if (body?.json) setBody(context, await readJson(context, body))
  else await postponed.parser(context as never, async () => undefined)
}

function unprepared(): AuditError {
  return new AuditError(
    'CONTROLLERS_INVALID',
    'An audited action is served on Koa by a copy of routing-controllers that this adapter does not know, and its body was read before the attempt was open. Install one copy of routing-controllers.',
  )
}

// One parser for each action; made when it is needed, since Express never asks.
const parsers = new WeakMap<ActionBody, ReturnType<typeof bodyParser.json>>()

function readJson({ req, res }: Context, body: ActionBody): Promise<unknown> {
  const parse = parsers.get(body) ?? bodyParser.json(body.json as Parameters<typeof bodyParser.json>[0])
  parsers.set(body, parse)
  return new Promise((resolve, reject) => {
    parse(req, res, (error?: unknown) => {
      if (error === undefined) resolve((req as IncomingMessage & { body?: unknown }).body)
      else reject(error)
    })
  })
}

function bodyOf({ request }: Context): unknown {
  return (request as { body?: unknown }).body
}

function setBody({ request }: Context, body: unknown): void {
  ;(request as { body?: unknown }).body = body
}
