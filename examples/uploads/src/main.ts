import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createUploadServer } from './upload-server.js'

const { PORT = '3000', UPLOAD_DIR = 'data/uploads', UPLOAD_TOKEN = randomBytes(24).toString('base64url') } = process.env
const users = new Map([[UPLOAD_TOKEN, { id: 'u-1', name: 'Ada' }]])
const { app, trail } = await createUploadServer({ folder: UPLOAD_DIR, users })

trail.signals.on('*', ({ row: { event, outcome, reason, status, actor, details } }) =>
  console.log(JSON.stringify({ event, outcome, reason, status, actor: actor.label ?? actor.type, details })),
)

const server = createServer(app).listen(Number(PORT), '127.0.0.1', () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/uploads`
  console.log(`Ready: curl -F file=@picture.png -H 'Authorization: Bearer ${UPLOAD_TOKEN}' ${url}`)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(() => void trail.close())
    server.closeAllConnections()
  })
}
