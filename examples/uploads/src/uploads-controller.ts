import { currentAttempt, type Throttling } from '@countersign/core'
import { Throttle, withFileUploadAudit } from '@countersign/mixins'
import type { Request } from 'express'
import multer from 'multer'
import { Authorized, HttpCode, JsonController, Post, Req, UploadedFile } from 'routing-controllers'
import type { FileStore } from './file-store.js'
import { mediaTypeOf } from './media-types.js'
import { currentUser, userOf } from './users.js'

/** The largest file that is taken. */
const maxBytes = 1_000_000

// In memory, so that nothing is on disk before it is known what it is; the limits bound how much.
const form: multer.Options = {
  storage: multer.memoryStorage(),
  limits: { fileSize: maxBytes, files: 1, fields: 4, parts: 5, fieldSize: 1000, headerPairs: 20 },
}

/** A refusal whose code is the row's reason and the client's to know. */
class UploadRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code)
  }
}

@JsonController('/uploads')
class Uploads {
  readonly #files: FileStore

  constructor(files: FileStore) {
    this.#files = files
  }

  @Throttle('file_upload', { identifier: (_file: unknown, request: Request) => userOf(request)?.id })
  @Authorized()
  @HttpCode(201)
  @Post()
  async post(@UploadedFile('file', { options: form }) file: Express.Multer.File | undefined, @Req() _request: Request) {
    if (!file) throw new UploadRefusal(422, 'no_file')
    const attempt = currentAttempt('file_upload').details({ bytes: file.size })
    if (file.size === 0) throw new UploadRefusal(422, 'empty_file')
    const mediaType = mediaTypeOf(file.buffer)
    if (!mediaType) throw new UploadRefusal(415, 'unsupported_media_type')
    attempt.details({ mediaType: mediaType.name })
    const id = await this.#files.save(file.buffer, mediaType.extension)
    attempt.subject({ type: 'file', id })
    return { id, bytes: file.size, media_type: mediaType.name }
  }

  /** What a client reads that uploads too much; that it is refused is not for this to change. */
  async throttled({ retryAfter }: Throttling) {
    return { code: 'too_many_uploads', retry_after: retryAfter }
  }
}

/** POST `/uploads`: a PNG, a JPEG or a PDF in the field `file` of a form. */
export class UploadsController extends withFileUploadAudit(Uploads) {
  static readonly className: string = 'UploadsController'
  static readonly actor = currentUser
}
