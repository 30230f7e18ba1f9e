import { type ChildProcess, spawn } from 'node:child_process'
import { expect, vi } from 'vitest'
import { freePort } from './free-port.js'

const main = new URL('../../examples/auth-server/dist/main.js', import.meta.url).pathname

/** The reference server, in a process of its own. */
export interface ServerProcess {
  readonly url: string
  readonly process: ChildProcess
  readonly output: () => string
  /** Its exit code; null when a signal ended it. */
  readonly exit: Promise<number | null>
}

const running: ServerProcess[] = []

/** Runs it with this environment and no other. */
export async function launch(env: Record<string, string>, user?: number): Promise<ServerProcess> {
  const port = await freePort()
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH ?? '', PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(user === undefined ? {} : { uid: user, gid: user }),
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk))
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const launched = { url: `http://127.0.0.1:${port}`, process: child, output: () => text, exit }
  running.push(launched)
  return launched
}

/** Runs it, and waits until it listens. */
export async function start(env: Record<string, string>): Promise<ServerProcess> {
  const started = await launch(env)
  // Unlike `expect.poll`, that can also be waited for before the first test.
  await vi.waitFor(() => expect(started.output()).toContain('is ready at'), { timeout: 30_000 })
  return started
}

/** Kills those that still run. */
export async function killAll(): Promise<void> {
  for (const { process, exit } of running.splice(0)) {
    process.kill('SIGKILL')
    await exit
  }
}
