import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { secretOfFolder } from '@countersign/auth'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { secret } from '../support/auth-systems.js'
import { emptyPostgres, postgresAvailable } from '../support/databases.js'
import { migratedPgliteIn } from '../support/pglite-clusters.js'
import { redisInstalled, redisServer } from '../support/redis.js'
import { killAll, launch, start } from '../support/server-process.js'

const adminCommand = new URL('../../examples/auth-server/dist/admin.js', import.meta.url).pathname
const printed = (args: readonly string[], env: Record<string, string>) =>
  promisify(execFile)(process.execPath, [adminCommand, ...args], { env })
const withPostgres = await postgresAvailable()
const withRedis = redisInstalled()
const password = 'correct horse battery staple'

describe('the server, started as the README says', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-'))
    await migratedPgliteIn('auth', folder)
  })
  afterEach(async () => {
    await killAll()
    await rm(folder, { recursive: true, force: true })
  })

  it('serves its pages and probes, keeps its secrets to itself, and keeps everything over a restart', async () => {
    const data = join(folder, 'new')
    const admin = { ADMIN_EMAIL: 'root@example.org', ADMIN_PASSWORD: password }
    const first = await start({ DATA_DIR: data, ...admin })
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
    expect((await stat(join(data, 'secret.key'))).mode & 0o777).toBe(0o600)
    const client = new AuthClient(first.url)
    await client.signUpAndVerify('ada@example.org', password)
    expect((await client.post('/api/auth/login', { email: 'ada@example.org', password })).status).toBe(200)
    const secrets = [password, client.cookies.get('at') as string, await client.mailedToken('ada@example.org')]
    await client.post('/api/auth/password-reset', { email: 'ada@example.org' })
    secrets.push(await client.mailedToken('ada@example.org'))
    expect(new Set(secrets).size).toBe(4)
    first.process.kill('SIGTERM')
    expect(await first.exit).toBe(0)

    const second = await start({ DATA_DIR: data, ...admin })
    client.cookies.clear()
    const again = new AuthClient(second.url)
    await again.post('/api/auth/login', { email: 'root@example.org', password })
    const { json } = await again.get('/api/audit/events')
    expect(json.items.map(({ event }: { event: string }) => event)).toEqual([
      'login',
      'password_reset_request',
      'login',
      'password_set',
      'email_verification',
      'signup',
    ])
    secrets.push(again.cookies.get('at') as string)
    for (const printed of secrets) expect(first.output() + second.output()).not.toContain(printed)
  })

  it('makes an administrator by a link that a command prints while it runs', async () => {
    const server = await start({ DATA_DIR: folder })
    const environment = { PATH: process.env.PATH ?? '', DATA_DIR: folder, PORT: new URL(server.url).port }
    const link = await printed(['chief@example.org'], environment)
    const page = /^\S+\/reset-password\?token=(\S+)$/m.exec(link.stdout)
    const client = new AuthClient(server.url)
    const chosen = { token: page?.[1], password, confirm_password: password }
    expect((await client.post('/api/auth/password-reset-confirm', chosen)).status).toBe(200)
    await client.post('/api/auth/login', { email: 'chief@example.org', password })
    expect((await client.get('/api/auth/admin/users')).json.items).toMatchObject([{ email: 'chief@example.org' }])
    expect(server.output()).not.toContain(page?.[1])
  }, 60_000)

  it.each([
    [[], /pnpm admin ada@example.org/],
    [['nobody'], /"nobody" is no e-mail address/],
  ])('prints no link for %j, and says what to write', async (args, fault) => {
    const refused = printed(args, { PATH: process.env.PATH ?? '', DATA_DIR: folder })
    await expect(refused).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(fault) })
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
    ['a short secret', { SECRET_KEY: 'short' }, /SECRET_KEY has 5 bytes and needs 32/],
    ['a secret that is none', { SECRET_KEY: 'changeme'.repeat(5) }, /SECRET_KEY looks like no random bytes/],
    [
      'an insecure address in production',
      { NODE_ENV: 'production', SECRET_KEY: secret, PUBLIC_URL: 'http://example.org' },
      /PUBLIC_URL must be an https address/,
    ],
    ['half an administrator', { ADMIN_EMAIL: 'root@example.org' }, /ADMIN_EMAIL and ADMIN_PASSWORD go together/],
    ['a port that is none', { PORT: 'http' }, /PORT must be a whole number/],
    ['trust in every proxy', { TRUST_PROXY: 'true' }, /TRUST_PROXY must be a number of proxies or networks/],
    ['a proxy that is none', { TRUST_PROXY: 'yes' }, /The settings are not right:\n- TRUST_PROXY must be/],
    ['a network that is none', { TRUST_PROXY: '10.0.0.0/8,10.0.0.0/33' }, /\n- TRUST_PROXY must be/],
    [
      'a database that is none',
      { DATABASE_URL: 'mysql://somebody:secret-in-url@127.0.0.1/x' },
      /DATABASE_URL is no address of a PostgreSQL server/,
    ],
    [
      'a Redis that is none',
      { REDIS_URL: 'http://somebody:secret-in-url@127.0.0.1:6379' },
      /\n- REDIS_URL is no address of a Redis or Valkey server; write for example redis:\/\/host:6379\/0\n$/,
    ],
    ['a Redis without a host', { REDIS_URL: 'redis://' }, /\n- REDIS_URL is no address/],
    ['a Redis database that is no number', { REDIS_URL: 'redis://127.0.0.1/first' }, /\n- REDIS_URL is no address/],
    ['a token for the metrics that can be guessed', { METRICS_TOKEN: 'secret' }, /\n- METRICS_TOKEN must have 16/],
    ['a token that fits into no header', { METRICS_TOKEN: 'a b c d e f g h i j' }, /\n- METRICS_TOKEN must have 16/],
    [
      'leaks that nobody knows what to do without',
      { BREACHED_PASSWORDS: 'on' },
      /\n- BREACHED_PASSWORDS must be 'off'/,
    ],
    [
      'leaks at no address',
      { BREACHED_PASSWORDS: 'refuse', BREACHED_PASSWORDS_URL: 'leaks.example' },
      /\n- BREACHED_PASSWORDS_URL must be an http/,
    ],
    [
      'leaks at an address with a password',
      { BREACHED_PASSWORDS: 'refuse', BREACHED_PASSWORDS_URL: 'https://ada:secret-in-url@leaks.example/' },
      /\n- BREACHED_PASSWORDS_URL must have no user or password in it/,
    ],
    [
      'an address of leaks that nobody is told to ask',
      { BREACHED_PASSWORDS_URL: 'https://leaks.example/range/' },
      /\n- BREACHED_PASSWORDS_URL needs BREACHED_PASSWORDS/,
    ],
    [
      'a spool that is no folder',
      { SPOOL_DIR: '/dev/null' },
      /^The spool's folder \/dev\/null can't .* \(SPOOL_DIR\)$/m,
    ],
    ['a misspelt environment', { NODE_ENV: 'prod' }, /NODE_ENV must be 'production', 'development' or 'test'/],
    ['a host that is none', { HOST: 'a b' }, /HOST makes no address/],
    ['an address of another machine', { HOST: '192.0.2.1' }, /can't listen on 192\.0\.2\.1 .*HOST=/],
    ['a page at no web address', { PUBLIC_URL: 'ftp://example.org' }, /PUBLIC_URL makes no address/],
  ])('does not start with %s, says why, and exits with 1', async (_title, env, message) => {
    const server = await launch({ DATA_DIR: folder, ...env } as Record<string, string>)
    expect(await server.exit).toBe(1)
    expect(server.output()).toMatch(message)
    expect(server.output()).not.toMatch(/secret-in-url|\n\s+at /)
  })

  it('reports each fault once, and none that follows from another', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'))
    const server = await launch({ DATA_DIR: empty, PORT: 'abc', TRUST_PROXY: 'yes', NODE_ENV: 'prod' })
    expect(await server.exit).toBe(1)
    const named = [...server.output().matchAll(/^- (\w+)/gm)].map(([, name]) => name)
    expect(named).toEqual(['NODE_ENV', 'PORT', 'TRUST_PROXY'])
    expect(await readdir(empty)).toEqual([])
  })

  it('says which port is taken, and leaves the data folder to the next', async () => {
    await migratedPgliteIn('auth', join(folder, 'second'))
    const first = await start({ DATA_DIR: folder })
    const { port } = new URL(first.url)
    const second = await launch({ DATA_DIR: join(folder, 'second'), PORT: port })
    expect(await second.exit).toBe(1)
    expect(second.output().trim()).toBe(`Port ${port} is taken. Choose another: PORT=${Number(port) + 1}`)
    expect(await readdir(join(folder, 'second'))).not.toContain('countersign.lock')
  })

  it.each([
    ['the secret is in it', {}],
    ['the secret is elsewhere', { SECRET_KEY: secret }],
  ])('names DATA_DIR when it is a file or can not be written, and %s', async (_title, env) => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    const onFile = await launch({ DATA_DIR: file, ...env })
    expect(await onFile.exit).toBe(1)
    expect(onFile.output().trim()).toMatch(/^The data folder .*\/file \(DATA_DIR\) can't be used \(EEXIST.*\)\.$/)
    await chmod(folder, 0o555)
    // Nothing is read-only to root.
    const readOnly = await launch(
      { DATA_DIR: join(folder, 'new'), ...env },
      process.getuid?.() === 0 ? 65_534 : undefined,
    )
    expect(await readOnly.exit).toBe(1)
    expect(readOnly.output().trim()).toMatch(/^The data folder .*\/new \(DATA_DIR\) can't be used \(EACCES.*\)\.$/)
    await chmod(folder, 0o755)
  })

  it('refuses a key that is not whole, and leaves none behind when it makes one', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'))
    await writeFile(join(empty, 'secret.key'), '')
    const server = await launch({ DATA_DIR: empty })
    expect(await server.exit).toBe(1)
    expect(server.output().trim()).toMatch(/secret\.key has 0 bytes; a key has 32 or more\. Put back/)
    await rm(join(empty, 'secret.key'))
    expect(secretOfFolder(empty)).toHaveLength(44)
    expect(secretOfFolder(empty)).toBe(secretOfFolder(empty))
    expect(await readdir(empty)).toEqual(['secret.key'])
  })

  it("has no administrator of an account that is somebody else's", async () => {
    const first = await start({ DATA_DIR: folder })
    await new AuthClient(first.url).signUpAndVerify('ada@example.org', password)
    first.process.kill('SIGTERM')
    await first.exit
    const second = await launch({ DATA_DIR: folder, ADMIN_EMAIL: 'ada@example.org', ADMIN_PASSWORD: password })
    expect(await second.exit).toBe(1)
    expect(second.output().trim()).toMatch(/^ADMIN_EMAIL has an account already.*\.$/)
  })

  it('says where it listens, and not only how it is reached', async () => {
    const server = await start({ DATA_DIR: folder, PUBLIC_URL: 'https://auth.example.org', NODE_ENV: 'test' })
    expect(server.output()).toContain(`ready at https://auth.example.org, listening on ${server.url}\n`)
    expect(server.output()).not.toContain('Warning')
  })

  it('keeps its spool in DATA_DIR or in SPOOL_DIR, for itself alone, and its metrics for the token', async () => {
    for (const name of ['usual', 'other']) await migratedPgliteIn('auth', join(folder, name))
    const elsewhere = join(folder, 'elsewhere')
    const token = 'a-token-that-nobody-guesses'
    const env = { SECRET_KEY: secret, METRICS_TOKEN: token }
    const usual = await start({ DATA_DIR: join(folder, 'usual'), ...env })
    expect((await stat(join(folder, 'usual', 'spool'))).mode & 0o777).toBe(0o700)
    const other = await start({ DATA_DIR: join(folder, 'other'), SPOOL_DIR: elsewhere, ...env })
    expect(await readdir(elsewhere)).toHaveLength(1)
    expect(await readdir(join(folder, 'other'))).not.toContain('spool')
    expect((await fetch(`${usual.url}/metrics`)).status).toBe(404)
    const read = await fetch(`${other.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
    expect([read.status, await read.text()]).toEqual([200, expect.stringContaining('countersign_store_reachable 1')])
    expect(usual.output() + other.output()).not.toContain(token)
  })

  it('has no mailbox in production', async () => {
    const server = await start({
      DATA_DIR: folder,
      NODE_ENV: 'production',
      SECRET_KEY: secret,
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
      SECRET_KEY: secret,
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
      'password_set',
      'email_verification',
      'signup',
    ])
    for (const server of [one, two]) {
      server.process.kill('SIGTERM')
      expect(await server.exit).toBe(0)
    }
    await drop()
  })

  it.runIf(withRedis)(
    'counts in the Redis server of REDIS_URL, tells when it is away, and starts without it',
    async () => {
      const redis = await redisServer()
      const client = new Redis(redis.url).on('error', () => undefined)
      try {
        const server = await start({ DATA_DIR: folder, REDIS_URL: `${redis.url.replace('//', '//:secret-in-url@')}/0` })
        const login = async () =>
          (await new AuthClient(server.url).post('/api/auth/login', { email: 'ada@example.org', password })).status
        expect(await login()).toBe(401)
        expect(await client.get('countersign:login:address:127.0.0.1')).toBe('1')
        await redis.kill()
        expect(await login()).toBe(401)
        await expect.poll(() => server.output()).toMatch(/Warning: what the limiter needs is away \(\w+\): insure\./)
        server.process.kill('SIGTERM')
        expect(await server.exit).toBe(0)
        expect(server.output()).not.toContain('secret-in-url')

        const without = await start({ DATA_DIR: folder, REDIS_URL: redis.url })
        expect((await fetch(`${without.url}/readyz`)).status).toBe(200)
        without.process.kill('SIGTERM')
        expect(await without.exit).toBe(0)
      } finally {
        client.disconnect()
        await redis.kill()
      }
    },
    90_000,
  )

  it.runIf(withPostgres)('warns that processes on one server need one secret, and one key of the log', async () => {
    const { url, drop } = await emptyPostgres()
    const server = await start({ DATA_DIR: folder, DATABASE_URL: url })
    const warnings = server
      .output()
      .split('\n')
      .filter((line) => line.startsWith('Warning: '))
    expect(warnings).toHaveLength(2)
    expect(warnings[0]).toMatch(/SECRET_KEY is not set.*several processes on one DATABASE_URL need the same SECRET_KEY/)
    expect(warnings[1]).toMatch(/CHECKPOINT_KEY is not set.*several processes .* need the same CHECKPOINT_KEY/)
    server.process.kill('SIGTERM')
    await server.exit
    await drop()
  })

  it('is what the start script runs', async () => {
    const { scripts } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(scripts.start).toContain('node examples/auth-server/dist/main.js')
  })
})
