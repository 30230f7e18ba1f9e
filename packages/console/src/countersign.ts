#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8'
import { runCommandLine } from './command-line.js'
import { userName } from './operator.js'

// What a command reads and writes lives for a moment, however much it is. Left to grow, the room for that would take a
// hundred megabytes before it is cleared for the first time, here and in each thread; a small one is cleared as quickly.
for (const flag of ['--optimize-for-size', '--semi-space-growth-factor=1']) setFlagsFromString(flag)

const abort = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (abort.signal.aborted) process.exit(1)
    abort.abort(new Error('Interrupted.'))
  })
}

function writer(stream: NodeJS.WriteStream): (text: string) => Promise<void> {
  // Whoever reads may have seen enough: then the write says so.
  stream.on('error', () => undefined)
  return (text) =>
    new Promise((resolve, reject) => {
      stream.write(text, (error) => (error ? reject(error) : resolve()))
    })
}

const [out, err] = [writer(process.stdout), writer(process.stderr)]
const io = { out, err, isTerminal: process.stderr.isTTY === true, user: userName(), signal: abort.signal }
const code = await runCommandLine(process.argv.slice(2), { env: process.env, io }).catch(() => 1)
// Everything is written; what a library left open must not keep the command running.
process.exit(code)
