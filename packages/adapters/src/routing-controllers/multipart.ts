import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { ActionBody, Param } from './action-body.js'
import { clientLeft } from './departed-client.js'
import { type FrameworkRequest, incomingOf } from './framework.js'
import type { Problem } from './problem.js'

type Parser = EventEmitter & NodeJS.WritableStream
type StreamHandler = (request: IncomingMessage, parser: Parser) => void

/** What both frameworks' requests know of their type. */
type TypedRequest = FrameworkRequest & { is(type: string): string | false | null }

interface MulterOptions {
  readonly streamHandler?: StreamHandler
}

// Set on the options that were completed, so that a second server does not complete them again.
const completed = new WeakSet<object>()

/**
 * Makes an action with `@UploadedFile` refuse what is no form (415), and say of a form that can't
 * be read that it is the client's (400): multer hands its parser's errors on as they are, without
 * a status.
 */
export function guardFiles(params: readonly Param[]): ActionBody {
  for (const param of params) {
    const options = (param.extraOptions ?? {}) as MulterOptions
    if (!completed.has(options)) param.extraOptions = complete(options)
  }
  return {
    refusalOf(request) {
      const { headers } = incomingOf(request)
      if (headers['content-length'] === '0') return undefined
      if ((request as TypedRequest).is('multipart/form-data') === false)
        return { status: 415, code: 'unsupported_media_type' }
      const isForm = headers['content-type'] !== undefined
      const hasBoundary = /;\s*boundary\s*=\s*(?:"[^"]|[^";\s])/i.test(headers['content-type'] ?? '')
      return isForm && !hasBoundary ? malformed : undefined
    },
  }
}

const malformed: Problem = { status: 400, code: 'malformed_body' }
const tooLarge: Problem = { status: 413, code: 'payload_too_large' }

const problemOfMulterCode: Readonly<Record<string, Problem>> = {
  LIMIT_FILE_SIZE: tooLarge,
  LIMIT_FILE_COUNT: tooLarge,
  LIMIT_PART_COUNT: tooLarge,
  LIMIT_FIELD_COUNT: tooLarge,
  LIMIT_FIELD_KEY: tooLarge,
  LIMIT_FIELD_VALUE: tooLarge,
  LIMIT_UNEXPECTED_FILE: { status: 400, code: 'unexpected_file' },
}

/** What multer refused; its errors have codes, and no status. */
export function problemOfMulter(error: unknown): Problem | undefined {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown }
  return name === 'MulterError' ? (problemOfMulterCode[String(code)] ?? malformed) : undefined
}

function complete(options: MulterOptions): MulterOptions {
  const streamHandler: StreamHandler = (request, parser) => {
    // Before multer's own listeners, which may hand the error on at once.
    parser.prependListener('error', blameClient)
    parser.on('file', (_name, file: Readable) => file.prependListener('error', blameClient))
    // multer would call it a fault of the server, and wait forever for a form whose client left before.
    const breakOff = (): unknown => parser.emit('error', Object.assign(new Error('The client left.'), clientLeft))
    if (request.destroyed) {
      setImmediate(breakOff)
      return
    }
    request.prependListener('aborted', breakOff)
    if (options.streamHandler) options.streamHandler(request, parser)
    else request.pipe(parser)
  }
  const all = { ...options, streamHandler }
  completed.add(all)
  return all
}

function blameClient(error: Error & Partial<Problem>): void {
  if (error.status === undefined) Object.assign(error, malformed)
}
