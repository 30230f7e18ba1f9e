import { Buffer } from 'node:buffer'
import { connect } from 'node:net'

// Sockets and a counter of bytes: with two cores, what the load costs is taken from the server.
const { port, connections, seconds, requests } = JSON.parse(process.argv[2])
const written = requests.map(({ method, path, headers = {}, body }) => {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`)
})
const warmup = 1000
let answered = 0
let sent = 0

for (let count = 0; count < connections; count++) {
  const socket = connect(port, '127.0.0.1')
  const send = () => socket.write(written[sent++ % written.length])
  let answer = Buffer.alloc(0)
  socket.setNoDelay(true)
  socket.on('connect', send)
  socket.on('data', (chunk) => {
    answer = answer.length === 0 ? chunk : Buffer.concat([answer, chunk])
    if (!isWhole(answer)) return
    if (!answer.subarray(0, 12).equals(Buffer.from('HTTP/1.1 200'))) throw new Error(answer.toString())
    answer = Buffer.alloc(0)
    answered++
    send()
  })
}

function isWhole(answer) {
  const head = answer.indexOf('\r\n\r\n')
  if (head < 0) return false
  const length = /content-length: (\d+)/i.exec(answer.latin1Slice(0, head))?.[1]
  if (length !== undefined) return answer.length >= head + 4 + Number(length)
  return answer.subarray(-5).equals(Buffer.from('0\r\n\r\n'))
}

setTimeout(() => {
  const before = answered
  const started = performance.now()
  setTimeout(() => {
    console.log(((answered - before) / (performance.now() - started)) * 1000)
    process.exit()
  }, seconds * 1000)
}, warmup)
