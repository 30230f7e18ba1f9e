import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { auditCoverage } from '@countersign/adapters/routing-controllers'
import { authControllers } from '@countersign/auth'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root, temporaryFolder } from '../support/compile.js'
import { readManifest } from '../support/packed.js'

const execute = promisify(execFile)
const home = join(root, 'packages/adapters')
const command = join(home, readManifest(home).bin?.['countersign-coverage'] ?? 'no bin')

const exempt = { 'POST /api/auth/token/verify': 'reads a token, changes nothing' }
const exempted = Object.entries(exempt).flatMap(([key, reason]) => ['--exempt', `${key}=${reason}`])

const controllers = `
import 'reflect-metadata'
import { AuditEvent } from '@countersign/mixins'
import { Get, JsonController, Post } from 'routing-controllers'

/** What a compiler makes of decorators. */
function controller(base, routes, audited = {}) {
  class Some {}
  for (const [method, route] of Object.entries(routes)) {
    const descriptor = { value: async () => ({}), configurable: true, writable: true }
    if (audited[method]) AuditEvent(audited[method])(Some.prototype, method, descriptor)
    Object.defineProperty(Some.prototype, method, descriptor)
    route(Some.prototype, method)
  }
  JsonController(base)(Some)
  return Some
}
export const controllers = [controller('/sessions', { open: Post('/'), list: Get('/') }, { open: 'login' })]
export const careless = { Wipe: controller('/wipe', { wipe: Post('/') }), Rest: controllers[0] }
export const none = []
export const number = 42
export const services = [class Service {}]
// What a module opens when it is loaded must not keep the command running.
setInterval(() => undefined, 1000)
`

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

let folder: string
beforeAll(() => {
  folder = temporaryFolder('coverage')
  symlinkSync(join(root, 'test/node_modules'), join(folder, 'node_modules'), 'junction')
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  writeFileSync(join(folder, 'controllers.js'), controllers)
  writeFileSync(join(folder, 'broken.js'), "throw new Error('no database')")
  mkdirSync(join(folder, 'sub'))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function run(...args: string[]): Promise<Ran> {
  try {
    return { code: 0, ...(await execute(process.execPath, [command, ...args], { cwd: folder })) }
  } catch (error) {
    const { code, stdout, stderr } = error as Ran
    return { code, stdout, stderr }
  }
}

describe('the reference server', () => {
  it('audits every route that changes state, and exempts the one that only reads a token', () => {
    const { routes, unaudited, complete } = auditCoverage(authControllers, { exempt })
    expect(unaudited.map(({ httpMethod, path }) => `${httpMethod} ${path}`)).toEqual([])
    expect(complete).toBe(true)
    expect(routes.filter(({ stateChanging }) => stateChanging).length).toBeGreaterThan(4)
  })

  it('is checked by the script that every change goes through', () => {
    const { scripts } = readManifest(root) as unknown as { scripts: Record<string, string> }
    expect(scripts.check).toContain('pnpm run coverage')
    expect(scripts.coverage).toContain('countersign-coverage.js packages/auth/dist/index.js authControllers')
  })
})

describe('countersign-coverage', () => {
  it('prints of the reference server what its document shows', async () => {
    const { stdout } = await run('@countersign/auth', 'authControllers', ...exempted)
    const cells = (text: string): string[] => text.split('\n').map((line) => line.replace(/ {2,}/g, '  ').trim())
    const shown = /^```text\n([\s\S]*?)^```$/m.exec(readFileSync(join(root, 'docs/coverage.md'), 'utf8'))?.[1] ?? ''
    expect(cells(shown.trim()).length).toBe(3)
    expect(cells(stdout)).toEqual(expect.arrayContaining(cells(shown.trim())))
  })

  it('says how it is used when it is asked', async () => {
    const { code, stdout } = await run('--help')
    expect(code).toBe(0)
    expect(stdout).toContain('countersign-coverage <module>')
  })

  it('exits with 0 where every route that changes state is audited', async () => {
    const { code, stdout, stderr } = await run('@countersign/auth', 'authControllers', ...exempted)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^POST \/api\/auth\/login +LoginController\.post +login +informational +low +medium/m)
  })

  it('exits with 1 where one is not, and names it', async () => {
    const { code, stdout } = await run('./controllers.js', 'careless', '--prefix', '/api')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^POST \/api\/wipe\/ is not audited\. /m)
  })

  it('is content with an exemption that has a reason, and with none that is not needed', async () => {
    const wipe = ['--exempt', 'POST /wipe/=wipes = nothing']
    const { code, stdout } = await run('controllers.js', 'careless', ...wipe)
    expect(code).toBe(0)
    expect(stdout).toMatch(/exempt: wipes = nothing$/m)
    const needless = await run('controllers.js', 'careless', ...wipe, '--exempt', 'POST /gone=was there once')
    expect(needless.code).toBe(1)
    expect(needless.stdout).toContain("The exemption of 'POST /gone'")
  })

  it('prints the report for machines', async () => {
    const { code, stdout } = await run('./controllers.js', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      complete: true,
      routes: [{ httpMethod: 'POST', path: '/sessions/', audited: true }, { httpMethod: 'GET' }],
    })
  })

  it.each([
    ['no module', [], /^Write: countersign-coverage <module>/],
    ['an unknown option', ['controllers.js', '--jsno'], /^Unknown option '--jsno'\. Write: countersign-coverage/],
    ['too much', ['a', 'b', 'c'], /^Write: countersign-coverage/],
    [
      'a module that is not there',
      ['./nowhere.js'],
      /^There is no file and no installed package '\.\/nowhere\.js' here\./,
    ],
    ['a folder', ['sub'], /^There is no file and no installed package 'sub' here\./],
    [
      'a package that is not there',
      ['@nobody/nothing'],
      /^There is no file and no installed package '@nobody\/nothing'/,
    ],
    ['a module that fails', ['./broken.js'], /^\.\/broken\.js can't be loaded: no database$/],
    [
      'a misspelt export',
      ['controllers.js', 'careles'],
      /has no export 'careles'\. Write: .*<one of: careless, controllers,/,
    ],
    [
      'an export that is no list',
      ['controllers.js', 'number'],
      /The export 'number' of controllers\.js is no list of classes but 42\./,
    ],
    ['an empty list', ['controllers.js', 'none'], /is no list of classes but \[\]\./],
    ['classes without routes', ['controllers.js', 'services'], /^The 1 class\(es\) of 'services' have no routes\./],
    [
      'an exemption without a reason',
      ['controllers.js', '--exempt', 'POST /x='],
      /does not name a route and a reason\. Write: --exempt/,
    ],
  ])('exits with 2 for %s, and says in one sentence what to write', async (_title, args, message) => {
    const { code, stdout, stderr } = await run(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr.trim()).toMatch(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})
