import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AuthSettings } from '@countersign/auth'
import { afterAll } from 'vitest'

const script = new URL('shared-limit-server.ts', import.meta.url).pathname
const running: ChildProcess[] = []

/** Starts a process of a system that several share; it ends with the tests of the file. Returns where it listens. */
export async function sharedServer(settings: AuthSettings): Promise<string> {
  const child = spawn(process.execPath, [script, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'inherit'] })
  running.push(child)
  let output = ''
  return new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      output += chunk
      const [address] = /^http:\S+$/m.exec(output) ?? []
      if (address) resolve(address)
    })
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${output}`)))
  })
}

/** To be called by a file that starts some. */
export function endSharedServers(): void {
  afterAll(async () => {
    for (const child of running.splice(0)) {
      const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      child.kill('SIGKILL')
      await ended
    }
  })
}
