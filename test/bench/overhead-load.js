import { connect } from 'node:net'

// Sockets and a counter of bytes: with two cores, what the load costs is taken from the server.
const [port, connections, seconds] = process.argv.slice(2).map(Number)
const body = JSON.stringify({ email: 'ada@example.org', name: 'Ada Lovelace' })
const request = Buffer.from(
  [
    'POST /profile HTTP/1.1',
    'Host: 127.0.0.1',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n'),
)
const warmup = 500
let answered = 0

for (let count = 0; count < connections; count++) {
  const socket = connect(port, '127.0.0.1')
  let expected = 0
  let received = 0
  socket.setNoDelay(true)
  socket.on('connect', () => socket.write(request))
  socket.on('data', (chunk) => {
    received += chunk.length
    // Every answer is as long as the first one.
    if (expected === 0) expected = lengthOf(chunk.toString())
    if (received < expected) return
    received -= expected
    answered++
    socket.write(request)
  })
}

function lengthOf(answer) {
  if (!answer.startsWith('HTTP/1.1 200')) throw new Error(answer)
  const head = answer.indexOf('\r\n\r\n') + 4
  return head + Number(/content-length: (\d+)/i.exec(answer)[1])
}

setTimeout(() => {
  const before = answered
  const started = performance.now()
  setTimeout(() => {
    console.log(((answered - before) / (performance.now() - started)) * 1000)
    process.exit()
  }, seconds * 1000)
}, warmup)
