import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { emptyPostgres, postgresAvailable } from '../support/databases.js'

const main = new URL('../../examples/auth-server/dist/main.js', import.meta.url).pathname
const withPostgres = await postgresAvailable()
const password = 'correct horse battery staple'

interface Started {
  readonly url: string
  readonly process: ChildProcess
  readonly output: () => string
  readonly exit: Promise<number | null>
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

const running: ChildProcess[] = []

async function launch(env: Record<string, string>): Promise<Started> {
  const port = await freePort()
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH ?? '', PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk))
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve))
  return { url: `http://127.0.0.1:${port}`, process: child, output: () => text, exit }
}

async function start(env: Record<string, string>): Promise<Started> {
  const started = await launch(env)
  await expect.poll(() => started.output(), { timeout: 30_000 }).toContain('is ready at')
  return started
}

describe('the server, started as the README says', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-'))
  })
  afterEach(async () => {
    for (const child of running.splice(0)) {
      if (child.exitCode === null) child.kill('SIGKILL')
      await new Promise((resolve) =>
        child.exitCode === null && child.signalCode === null ? child.once('exit', resolve) : resolve(null),
      )
    }
    await rm(folder, { recursive: true, force: true })
  })

  it('serves its pages and probes, keeps its secret to itself, and keeps everything over a restart', async () => {
    const admin = { ADMIN_EMAIL: 'root@example.org', ADMIN_PASSWORD: password }
    const first = await start({ DATA_DIR: folder, ...admin })
    expect((await fetch(`${first.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200)
    for (const page of [
      '/',
      '/dev/mailbox',
      '/api/auth/verify-account?token=x',
      '/assets/index.js',
      '/assets/style.css',
    ]) {
      expect([page, (await fetch(`${first.url}${page}`)).status]).toEqual([page, 200])
    }
    expect((await stat(join(folder, 'secret.key'))).mode & 0o777).toBe(0o600)
    const client = new AuthClient(first.url)
    await client.signUpAndVerify('ada@example.org', password)
    expect((await client.post('/api/auth/login', { email: 'ada@example.org', password })).status).toBe(200)
    first.process.kill('SIGTERM')
    expect(await first.exit).toBe(0)

    const second = await start({ DATA_DIR: folder, ...admin })
    client.cookies.clear()
    const again = new AuthClient(second.url)
    await again.post('/api/auth/login', { email: 'root@example.org', password })
    const { json } = await again.get('/api/audit/events')
    expect(json.items.map(({ event }: { event: string }) => event)).toEqual([
      'login',
      'login',
      'email_verification',
      'signup',
    ])
    expect(first.output() + second.output()).not.toContain(password)
  })

  it('refuses a data folder that another process has, in one sentence', async () => {
    await start({ DATA_DIR: folder })
    const second = await launch({ DATA_DIR: folder })
    expect(await second.exit).toBe(1)
    expect(second.output().trim().split('\n')).toHaveLength(1)
    expect(second.output()).toMatch(/data folder .* is in use by process \d+/)
  })

  it('takes over the folder of a process that was killed', async () => {
    const first = await start({ DATA_DIR: folder })
    const client = new AuthClient(first.url)
    await client.post('/api/auth/login', { email: 'nobody@example.org', password })
    first.process.kill('SIGKILL')
    await first.exit
    const second = await start({ DATA_DIR: folder, ADMIN_EMAIL: 'root@example.org', ADMIN_PASSWORD: password })
    const again = new AuthClient(second.url)
    await again.post('/api/auth/login', { email: 'root@example.org', password })
    expect((await again.get('/api/audit/events')).json.items).toHaveLength(2)
  })

  it.each([
    [
      'an unreachable database',
      { DATABASE_URL: 'postgres://somebody:secret-in-url@127.0.0.1:1/nothing' },
      /127\.0\.0\.1:1\/nothing.*ECONNREFUSED/,
    ],
    [
      'no secret in production',
      { NODE_ENV: 'production', PUBLIC_URL: 'https://example.org' },
      /SECRET_KEY is required/,
    ],
    ['a short secret', { SECRET_KEY: 'short' }, /SECRET_KEY must have 32 bytes/],
    [
      'an insecure address in production',
      { NODE_ENV: 'production', SECRET_KEY: 'x'.repeat(32), PUBLIC_URL: 'http://example.org' },
      /PUBLIC_URL must be an https address/,
    ],
    ['half an administrator', { ADMIN_EMAIL: 'root@example.org' }, /ADMIN_EMAIL and ADMIN_PASSWORD go together/],
    ['a port that is none', { PORT: 'http' }, /PORT must be a whole number/],
    ['trust in every proxy', { TRUST_PROXY: 'true' }, /TRUST_PROXY must be a number of proxies or networks/],
  ])('does not start with %s, says why, and exits with 1', async (_title, env, message) => {
    const server = await launch({ DATA_DIR: folder, ...env } as Record<string, string>)
    expect(await server.exit).toBe(1)
    expect(server.output()).toMatch(message)
    expect(server.output()).not.toMatch(/secret-in-url|\n\s+at /)
  })

  it('has no mailbox in production', async () => {
    const server = await start({
      DATA_DIR: folder,
      NODE_ENV: 'production',
      SECRET_KEY: 'x'.repeat(32),
      PUBLIC_URL: 'https://example.org',
    })
    expect((await fetch(`${server.url}/dev/mailbox.json`)).status).toBe(404)
    expect((await fetch(`${server.url}/dev/mailbox`)).status).toBe(404)
    expect((await fetch(`${server.url}/healthz`)).headers.get('strict-transport-security')).toBe(
      'max-age=31536000; includeSubDomains',
    )
  })

  it.runIf(withPostgres)('runs the same on a PostgreSQL server, where two processes may share', async () => {
    const { url, drop } = await emptyPostgres()
    const env = {
      DATA_DIR: folder,
      DATABASE_URL: url,
      SECRET_KEY: 'x'.repeat(32),
      ADMIN_EMAIL: 'root@example.org',
      ADMIN_PASSWORD: password,
    }
    const [one, two] = await Promise.all([start(env), start(env)])
    const client = new AuthClient(one.url)
    await client.signUpAndVerify('ada@example.org', password)
    const other = new AuthClient(two.url)
    expect((await other.post('/api/auth/login', { email: 'ada@example.org', password })).status).toBe(200)
    await client.post('/api/auth/login', { email: 'root@example.org', password })
    expect((await client.get('/api/audit/events')).json.items.map(({ event }: { event: string }) => event)).toEqual([
      'login',
      'login',
      'email_verification',
      'signup',
    ])
    for (const server of [one, two]) {
      server.process.kill('SIGTERM')
      expect(await server.exit).toBe(0)
    }
    await drop()
  })

  it('is what the start script runs', async () => {
    const { scripts } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(scripts.start).toContain('node examples/auth-server/dist/main.js')
  })
})
