import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createUploadServer, type UploadServer } from '../../examples/uploads/dist/upload-server.js'
import { onlyRow } from '../support/recording.js'
import { type Served, serve } from '../support/serve.js'

const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(200, 7)])
const jpeg = Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.alloc(100)])
const pdf = Buffer.from('%PDF-1.7\nnothing much')
const ada = { authorization: 'Bearer token-of-ada' }
const users = new Map([
  ['token-of-ada', { id: 'u-1', name: 'Ada' }],
  ['token-of-bob', { id: 'u-2', name: 'Bob' }],
])

let folder: string
let files: string
let upload: UploadServer
let served: Served

async function start(limits?: { address: string; identifier: string }): Promise<void> {
  upload = await createUploadServer({ folder: files, users, ...(limits ? { limits } : {}) })
  served = await serve(upload.app)
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-uploads-'))
  files = join(folder, 'files')
})
afterEach(async () => {
  await served?.close()
  await rm(folder, { recursive: true, force: true })
})

function formOf(content: Uint8Array<ArrayBuffer>, name = 'picture.png', field = 'file'): FormData {
  const form = new FormData()
  form.append(field, new Blob([content], { type: 'image/png' }), name)
  return form
}

async function send(body: FormData | string | Uint8Array<ArrayBuffer> | null, headers: Record<string, string> = ada) {
  const response = await fetch(`${served.url}/uploads`, { method: 'POST', headers, body })
  const text = await response.text()
  return { status: response.status, headers: response.headers, json: JSON.parse(text), text }
}

const stored = async (): Promise<string[]> => (await readdir(files)).sort()

describe('an upload', () => {
  beforeEach(() => start())

  it.each([
    ['a PNG', png, 'image/png', 'png'],
    ['a JPEG', jpeg, 'image/jpeg', 'jpg'],
    ['a PDF', pdf, 'application/pdf', 'pdf'],
  ])(
    'of %s is stored as it was sent, and leaves one row with the actor, the bytes and the type',
    async (_title, content, mediaType, extension) => {
      const { status, json } = await send(formOf(content))
      expect(status).toBe(201)
      expect(json).toEqual({
        id: expect.stringMatching(`^[0-9a-f-]{36}\\.${extension}$`),
        bytes: content.length,
        media_type: mediaType,
      })
      expect(await stored()).toEqual([json.id])
      expect(await readFile(join(files, json.id))).toEqual(content)
      expect(onlyRow(upload.sink)).toMatchObject({
        event: 'file_upload',
        outcome: 'success',
        status: 201,
        className: 'UploadsController',
        methodName: 'post',
        actor: { type: 'user', id: 'u-1', label: 'Ada' },
        subject: { type: 'file', id: json.id },
        details: { bytes: content.length, mediaType },
      })
    },
  )

  it("is nobody else's to read, and takes nothing from the name that the client gave", async () => {
    const { json, text } = await send(formOf(png, '../../../tmp/<script>secret-name.php'))
    expect((await stat(files)).mode & 0o777).toBe(0o700)
    expect((await stat(join(files, json.id))).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['files'])
    expect(JSON.stringify(upload.sink.rows) + text + (await stored())).not.toMatch(/secret-name|script|php/)
  })

  it('of the largest size is taken, and of one byte more refused', async () => {
    const content = Buffer.concat([png, Buffer.alloc(1_000_000 - png.length)])
    expect((await send(formOf(content))).status).toBe(201)
    upload.sink.clear()
    const { status, json } = await send(formOf(Buffer.concat([content, Buffer.alloc(1)])))
    expect({ status, code: json.code }).toEqual({ status: 413, code: 'payload_too_large' })
    expect(onlyRow(upload.sink)).toMatchObject({
      event: 'file_upload',
      outcome: 'failure',
      reason: 'payload_too_large',
      status: 413,
      actor: { id: 'u-1' },
      details: {},
    })
    expect(await stored()).toHaveLength(1)
  })
})

describe('a refused upload leaves one row that says what the client was told, and no file', () => {
  beforeEach(() => start())
  const multipart = { ...ada, 'content-type': 'multipart/form-data; boundary=x' }
  const part = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
  const two = formOf(png)
  two.append('file', new Blob([png]), 'again.png')
  const fields = formOf(png)
  for (let index = 0; index < 5; index++) fields.append(`field${index}`, 'x')
  const text = new FormData()
  text.append('file', 'not a file')

  it.each<[string, FormData | string | Uint8Array<ArrayBuffer> | null, Record<string, string>, number, string, object]>(
    [
      [
        'a wrong type, whatever it is called',
        formOf(Buffer.from('MZ program')),
        ada,
        415,
        'unsupported_media_type',
        { bytes: 10 },
      ],
      ['a signature that is cut off', formOf(png.subarray(0, 7)), ada, 415, 'unsupported_media_type', { bytes: 7 }],
      ['an empty file', formOf(Buffer.alloc(0)), ada, 422, 'empty_file', { bytes: 0 }],
      ['a form without a file', text, ada, 422, 'no_file', {}],
      ['an empty form', new FormData(), ada, 422, 'no_file', {}],
      ['nothing at all', null, ada, 422, 'no_file', {}],
      ['a file in another field', formOf(png, 'a.png', 'avatar'), ada, 400, 'unexpected_file', {}],
      ['two files', two, ada, 413, 'payload_too_large', {}],
      ['too many fields', fields, ada, 413, 'payload_too_large', {}],
      ['JSON', '{}', { ...ada, 'content-type': 'application/json' }, 415, 'unsupported_media_type', {}],
      ['a bare file', png, { ...ada, 'content-type': 'image/png' }, 415, 'unsupported_media_type', {}],
      [
        'another multipart',
        `${part}x\r\n--x--`,
        { ...ada, 'content-type': 'multipart/mixed; boundary=x' },
        415,
        'unsupported_media_type',
        {},
      ],
      ['a form without a boundary', 'x', { ...ada, 'content-type': 'multipart/form-data' }, 400, 'malformed_body', {}],
      ['a form that ends early', `${part}x`, multipart, 400, 'malformed_body', {}],
      ['a form that ends before a file', '--x\r\nContent-Disp', multipart, 400, 'malformed_body', {}],
      [
        'a form with a broken header',
        `--x\r\nContent-Disposition form-data\r\n\r\nx\r\n--x--`,
        multipart,
        400,
        'malformed_body',
        {},
      ],
      ['a form that is none', 'hello', multipart, 400, 'malformed_body', {}],
    ],
  )('%s', async (_title, body, headers, status, reason, details) => {
    const response = await send(body, headers)
    expect({ status: response.status, code: response.json.code }).toEqual({ status, code: reason })
    expect(onlyRow(upload.sink)).toMatchObject({ event: 'file_upload', outcome: 'failure', status, reason, details })
    expect(onlyRow(upload.sink).details).toEqual(details)
    expect(await stored()).toEqual([])
  })

  it('nobody who is not signed in', async () => {
    for (const headers of [{}, { authorization: 'Bearer token-of-eve' }] as const) {
      upload.sink.clear()
      const { status, json } = await send(formOf(png), headers as Record<string, string>)
      expect({ status, code: json.code }).toEqual({ status: 401, code: 'unauthenticated' })
      expect(onlyRow(upload.sink)).toMatchObject({
        outcome: 'denied',
        reason: 'unauthenticated',
        status: 401,
        actor: { type: 'anonymous' },
      })
    }
    expect(await stored()).toEqual([])
  })

  it('a client that hangs up in the middle', async () => {
    const { port } = new URL(served.url)
    const asked = once(served.server, 'request')
    const socket = connect(Number(port), '127.0.0.1')
    socket.write(
      `POST /uploads HTTP/1.1\r\nHost: x\r\nAuthorization: ${ada.authorization}\r\nContent-Type: ${multipart['content-type']}\r\nContent-Length: 5000\r\n\r\n${part}${png.toString('latin1')}`,
    )
    await asked
    socket.destroy()
    await expect.poll(() => upload.sink.rows.length).toBe(1)
    await upload.trail.settled()
    expect(onlyRow(upload.sink)).toMatchObject({ outcome: 'failure', reason: 'client_disconnected', status: 499 })
    expect(await stored()).toEqual([])
  })

  it('a folder that can not be written to', async () => {
    await rm(files, { recursive: true })
    await writeFile(files, '')
    const { status, json, text: body } = await send(formOf(png))
    expect({ status, code: json.code }).toEqual({ status: 500, code: 'internal_error' })
    expect(body).not.toContain(folder)
    expect(onlyRow(upload.sink)).toMatchObject({
      outcome: 'failure',
      reason: 'internal_error',
      status: 500,
      actor: { id: 'u-1' },
      subject: null,
      details: { bytes: png.length, mediaType: 'image/png' },
    })
    await rm(files)
    await mkdir(files)
  })
})

describe('uploads beyond the limit', () => {
  it('of a user are refused in the words of the controller, and leave one row each', async () => {
    await start({ address: '100/min', identifier: '2/min' })
    for (let count = 0; count < 2; count++) await send(formOf(png))
    upload.sink.clear()
    const { status, headers, json } = await send(formOf(png))
    expect(status).toBe(429)
    expect(json).toEqual({ code: 'too_many_uploads', retry_after: expect.any(Number) })
    expect(headers.get('retry-after')).toBe(String(json.retry_after))
    expect(onlyRow(upload.sink)).toMatchObject({
      event: 'file_upload',
      outcome: 'denied',
      reason: 'throttled',
      status: 429,
      scope: 'file_upload',
      limit: 2,
      actor: { id: 'u-1' },
    })
    expect((await send(formOf(png), { authorization: 'Bearer token-of-bob' })).status).toBe(201)
    expect(await stored()).toHaveLength(3)
  })

  it('of an address are refused before the form is read, and before it is known who asks', async () => {
    await start({ address: '2/min', identifier: '100/min' })
    for (const headers of [ada, {}]) await send(formOf(png), headers as Record<string, string>)
    upload.sink.clear()
    const { status, json } = await send(formOf(png), { authorization: 'Bearer token-of-bob' })
    expect({ status, code: json.code }).toEqual({ status: 429, code: 'too_many_uploads' })
    expect(onlyRow(upload.sink)).toMatchObject({
      outcome: 'denied',
      scope: 'file_upload',
      limit: 2,
      actor: { type: 'anonymous' },
    })
  })
})

describe('the script', () => {
  let child: ChildProcess | undefined
  afterEach(async () => {
    const running = child
    child = undefined
    if (running && running.exitCode === null && running.signalCode === null) {
      const exit = new Promise((resolve) => running.once('exit', resolve))
      running.kill('SIGKILL')
      await exit
    }
  })

  it('takes an upload, keeps nothing of one that does not fit on the disk, prints the rows, and stops when asked', async () => {
    const main = new URL('../../examples/uploads/dist/main.js', import.meta.url).pathname
    // No file may grow beyond 128 blocks: writing ends in the middle, as on a disk that is full.
    const started = spawn('sh', ['-c', 'ulimit -f 128 && exec "$0" "$1"', process.execPath, main], {
      env: { PATH: process.env.PATH ?? '', PORT: '0', UPLOAD_DIR: files, UPLOAD_TOKEN: 'token-of-ada' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    let output = ''
    for (const stream of [started.stdout, started.stderr]) stream.on('data', (chunk) => (output += chunk))
    const exit = new Promise<number | null>((resolve) => started.once('exit', resolve))
    await expect.poll(() => output, { timeout: 20_000 }).toContain('Ready:')
    served = { url: /http:\/\/[\d.:]+/.exec(output)?.[0] ?? '', close: async () => undefined } as Served

    expect((await send(formOf(png))).status).toBe(201)
    const large = await send(formOf(Buffer.concat([png, Buffer.alloc(500_000)])))
    expect({ status: large.status, code: large.json.code }).toEqual({ status: 500, code: 'internal_error' })
    expect(await stored()).toHaveLength(1)

    started.kill('SIGTERM')
    expect(await exit).toBe(0)
    const rows = output.split('\n').filter((line) => line.startsWith('{'))
    expect(rows.map((row) => JSON.parse(row))).toEqual([
      {
        event: 'file_upload',
        outcome: 'success',
        reason: null,
        status: 201,
        actor: 'Ada',
        details: { bytes: 208, mediaType: 'image/png' },
      },
      {
        event: 'file_upload',
        outcome: 'failure',
        reason: 'internal_error',
        status: 500,
        actor: 'Ada',
        details: { bytes: 500_208, mediaType: 'image/png' },
      },
    ])
  })
})
