import 'reflect-metadata'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import { createAuditTrail, memorySink } from '@countersign/core'
import { withFileUploadAudit } from '@countersign/mixins'
import { IsString, MaxLength } from 'class-validator'
import type { Request } from 'express'
import { Body, createExpressServer, JsonController, Post, UploadedFile, UploadedFiles } from 'routing-controllers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Served, serve } from '../support/serve.js'

class Caption {
  @IsString()
  @MaxLength(20)
  caption!: string
}

interface Sent {
  readonly originalname: string
  readonly size: number
}

let handledBy: string[] = []
const ownHandler = {
  limits: { fileSize: 10 },
  streamHandler(request: Request, parser: NodeJS.WritableStream) {
    handledBy.push('own')
    request.pipe(parser)
  },
}

@JsonController('/pictures')
class Pictures {
  @Post()
  async post(@UploadedFile('picture') picture: Sent, @Body() { caption }: Caption) {
    return { caption, bytes: picture.size }
  }

  @Post('/many')
  async many(@UploadedFiles('pictures', { options: ownHandler }) pictures: Sent[]) {
    return { pictures: pictures.length }
  }
}
class PicturesController extends withFileUploadAudit(withFileUploadAudit(Pictures, { method: 'many' })) {
  static readonly className = 'PicturesController'
  static readonly actor = () => null
}

const sink = memorySink()
const trail = createAuditTrail({ sink })
let served: Served
beforeEach(async () => {
  sink.clear()
  handledBy = []
  const controllers = auditedControllers(trail, [PicturesController])
  served = await serve(createExpressServer({ ...safeDefaults, controllers }))
})
afterEach(() => served.close())

async function send(path: string, fields: Record<string, string | Blob>): Promise<{ status: number; json: any }> {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, value, 'a.png')
  }
  const response = await fetch(`${served.url}/pictures${path}`, { method: 'POST', body: form })
  return { status: response.status, json: await response.json() }
}

describe('an action with files', () => {
  it('takes the fields of the form as its body', async () => {
    expect(await send('', { caption: 'at sea', picture: new Blob(['12345']) })).toEqual({
      status: 200,
      json: { caption: 'at sea', bytes: 5 },
    })
    expect(sink.rows).toMatchObject([{ event: 'file_upload', outcome: 'success', status: 200 }])
  })

  it('validates the fields of the form', async () => {
    const { status, json } = await send('', { caption: 'x'.repeat(21), picture: new Blob(['12345']) })
    expect({ status, code: json.code }).toEqual({ status: 400, code: 'validation_failed' })
    expect(sink.rows).toMatchObject([{ outcome: 'failure', reason: 'validation_failed' }])
  })

  it('keeps what its options say, on every server that it is given to', async () => {
    expect((await send('/many', { pictures: new Blob(['123']) })).json).toEqual({ pictures: 1 })
    expect(handledBy).toEqual(['own'])
    expect((await send('/many', { pictures: new Blob(['12345678901']) })).status).toBe(413)
    expect(sink.rows).toMatchObject([{ outcome: 'success' }, { outcome: 'failure', reason: 'payload_too_large' }])
  })

  it.each([
    [
      'a form that ends early',
      '--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\nabc',
      400,
      'malformed_body',
    ],
    [
      'a part without a name',
      '--x\r\nContent-Disposition: form-data; filename="a"\r\n\r\nabc\r\n--x--\r\n',
      400,
      'malformed_body',
    ],
  ])('refuses %s', async (_title, body, status, reason) => {
    const headers = { 'content-type': 'multipart/form-data; boundary="x"' }
    const response = await fetch(`${served.url}/pictures`, { method: 'POST', headers, body })
    expect(response.status).toBe(status)
    expect(sink.rows).toMatchObject([{ outcome: 'failure', status, reason }])
  })
})
