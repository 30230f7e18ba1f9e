import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { freePort } from './free-port.js'

/** The server that suites run on where it is reachable; `REQUIRE_SERVICES=1` makes its absence a failure. */
export const redisUrl: string = process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:6379'

export async function redisAvailable(): Promise<boolean> {
  const client = new Redis(redisUrl, { lazyConnect: true, connectTimeout: 2000, retryStrategy: () => null })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return true
  } catch (cause) {
    if (process.env.REQUIRE_SERVICES === '1')
      throw new Error('REQUIRE_SERVICES=1 and no Redis at TEST_REDIS_URL', { cause })
    console.warn('SKIPPED: no Redis server is reachable at TEST_REDIS_URL; its suites did not run.')
    return false
  } finally {
    client.disconnect()
  }
}

/** True where a test can start a server of its own; `REQUIRE_SERVICES=1` makes its absence a failure. */
export function redisInstalled(): boolean {
  if (spawnSync('redis-server', ['--version']).status === 0) return true
  if (process.env.REQUIRE_SERVICES === '1') throw new Error('REQUIRE_SERVICES=1 and no redis-server to start')
  console.warn('SKIPPED: there is no redis-server to start; what stops one did not run.')
  return false
}

/** Keeps the keys of a run apart from those of every other. */
export function keyPrefix(): string {
  return `test-${randomBytes(8).toString('hex')}:`
}

/** A Redis server of the test's own, without anything on disk. */
export interface RedisServer {
  readonly url: string
  /** Starts it (again), empty, at the same address. */
  start(): Promise<void>
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>
  /** Keeps its connections, and answers nothing, until {@link resume}. */
  pause(): void
  resume(): void
}

export async function redisServer(): Promise<RedisServer> {
  const port = await freePort()
  let running: ChildProcess | undefined
  const server: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    async start() {
      const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
      running = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'] })
      const child = running
      await new Promise<void>((resolve, reject) => {
        child.once('error', reject)
        child.stdout?.on('data', (text) => String(text).includes('Ready to accept connections') && resolve())
      })
    },
    async kill() {
      const child = running
      running = undefined
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    },
    pause: () => void running?.kill('SIGSTOP'),
    resume: () => void running?.kill('SIGCONT'),
  }
  await server.start()
  return server
}
