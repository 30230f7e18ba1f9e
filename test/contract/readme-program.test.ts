import { execFile } from 'node:child_process'
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'
import { compile, root, temporaryFolder } from '../support/compile.js'

const [program = '', embedded = ''] = [
  ...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm),
].map(([, code]) => code)

/** What the reader of the README has already. */
const before = `
import { IsString } from 'class-validator'
import { HttpError } from 'routing-controllers'

class LoginRequest {
  @IsString() email!: string
  @IsString() password!: string
}
@JsonController('/password-reset')
class PasswordReset {
  @Post()
  async post(@Body() body: LoginRequest) {
    return { sent: body.email.length > 0 }
  }
}
const sessions = {
  async open(body: LoginRequest) {
    if (body.password !== 'right') throw Object.assign(new HttpError(401, 'no'), { reason: 'bad_credentials' })
    return { id: 'u-1', email: body.email }
  },
}
const alerts: unknown[] = []
function alertOperator(...alert: unknown[]): void {
  alerts.push(alert)
}
`

/** What that reader would try first; the program then stops as it says it does. */
const after = `
import type { AddressInfo } from 'node:net'
const { port } = server.address() as AddressInfo
async function attempt(path: string, password: string) {
  const headers = { 'content-type': 'application/json', connection: 'close' }
  const body = JSON.stringify({ email: 'ada@example.org', password })
  return (await fetch(\`http://127.0.0.1:\${port}\${path}\`, { method: 'POST', headers, body })).status
}
const statuses = [await attempt('/session/login', 'wrong'), await attempt('/session/login', 'right')]
statuses.push(await attempt('/password-reset', 'x'), await attempt('/session/report', ''))
for (let more = 0; more < 8; more++) statuses.push(await attempt('/session/login', 'wrong'))
const rows = await orm.em.execute('select event, outcome, reason, actor_id from audit_event order by id')
console.log(JSON.stringify({ statuses, rows: rows.slice(0, 4), denied: rows.at(-1), alerts: alerts[0] }))
process.kill(process.pid, 'SIGTERM')
`

const folder = temporaryFolder('readme')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('the program of the README starts on the embedded database, audits, and stops by itself', async () => {
  const here = program
    .replace(/^import .* from '@mikro-orm\/postgresql'\n/m, '')
    .replace(/^const orm = .*\n/m, embedded.replace(/^import .*\n/gm, ''))
    .replace('.listen(3000)', '.listen(0)')
  const imports = embedded.match(/^import .*\n/gm) ?? []
  symlinkSync(join(root, 'test/node_modules'), join(folder, 'node_modules'), 'junction')
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  writeFileSync(join(folder, 'main.ts'), [...imports, before, here, after].join('\n'))
  const options = { noEmit: false, outDir: folder, rootDir: folder, exactOptionalPropertyTypes: false }
  expect(await compile({ compiler: 'typescript', files: [join(folder, 'main.ts')], from: folder, options })).toEqual([])

  const env = { ...process.env, SECRET_KEY: 'thirty-two bytes of a key, at the least' }
  const run = promisify(execFile)(process.execPath, ['main.js'], { cwd: folder, env, timeout: 60_000 })
  const { stdout, stderr } = await run
  expect(stderr).toBe('')
  expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({
    statuses: [401, 200, 200, 200, 401, 401, 401, 401, 401, 429, 429, 429],
    rows: [
      { event: 'login', outcome: 'failure', reason: 'bad_credentials', actor_id: null },
      { event: 'login', outcome: 'success', reason: null, actor_id: 'u-1' },
      { event: 'password_reset_request', outcome: 'success', reason: null, actor_id: null },
      { event: 'report_export', outcome: 'success', reason: null, actor_id: null },
    ],
    denied: { event: 'login', outcome: 'denied', reason: 'throttled', actor_id: null },
    alerts: ['a***@e***.org', '127.0.0.1'],
  })
}, 90_000)
