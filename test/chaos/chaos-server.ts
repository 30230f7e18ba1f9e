import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ServerSettings, ServerStatus, Stored } from './server-settings.ts'

/** A server of these tests in a process of its own. */
export interface ChaosServer {
  /** Where it listens; rejects where it ends before. */
  readonly url: Promise<string>
  /** What went to its standard error. */
  readonly said: string
  status(): Promise<ServerStatus>
  /** Its status when nothing waits any more, however long that takes; the store must be there. */
  shipped(): Promise<ServerStatus>
  stored(prefix: string): Promise<Stored>
  store(is: 'away' | 'back'): Promise<void>
  /** Ends it between two instructions, so many milliseconds after it was asked to end in order; resolves when it is gone. */
  kill(askedBefore?: number | null): Promise<void>
  /** Ends it as an operator does. */
  stop(): Promise<void>
}

const script = fileURLToPath(new URL('server.ts', import.meta.url))

export function startServer(settings: ServerSettings, flags: readonly string[] = []): ChaosServer {
  const child = spawn(process.execPath, [...flags, script, JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = once(child, 'exit')
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null
  const url = new Promise<string>((resolve, reject) => {
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
      const [address] = /^http:\S+$/m.exec(output) ?? []
      if (address) resolve(address)
    })
    void exit.then(() => reject(new Error(`The server ended (${child.signalCode ?? child.exitCode}): ${said}`)))
  })
  // Whoever kills it while it starts does not ask where it listens.
  url.catch(() => undefined)
  const get = async <Answer>(path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(`${await url}${path}`, init)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Answer
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (isAlive()) child.kill(signal)
    await exit
  }
  return {
    url,
    get said() {
      return said
    },
    status: () => get('/status'),
    async shipped() {
      for (;;) {
        const status = await get<ServerStatus>('/settled')
        if (status.spooledBytes === 0 && status.waiting === 0) return status
        await delay(50)
      }
    },
    stored: (prefix) => get(`/stored?prefix=${prefix}`),
    store: (is) => get(`/store/${is}`, { method: 'POST' }),
    async kill(askedBefore = null) {
      if (askedBefore !== null && isAlive()) {
        child.kill('SIGTERM')
        await delay(askedBefore)
      }
      await end('SIGKILL')
    },
    stop: () => end('SIGTERM'),
  }
}
