import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { compile, type Diagnostic, root } from '../support/compile.js'
import { freePort } from '../support/free-port.js'
import { type Installed, install } from '../support/packed.js'

const page = readFileSync(join(root, 'docs/writing-a-mixin.md'), 'utf8')

/** The first block of a language on the page that has these words in it. */
function block(language: string, words: string): string {
  const blocks = [...page.matchAll(/^```(?<of>\w+)\n(?<text>[\s\S]*?)^```$/gm)]
  const found = blocks.find(({ groups }) => groups?.of === language && groups.text?.includes(words))
  if (!found?.groups?.text) throw new Error(`docs/writing-a-mixin.md has no ${language} block with '${words}'`)
  return found.groups.text
}

/** What the page installs, by name. */
function installedBy(commands: string): string[] {
  const words = commands
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.startsWith('npm install'))
  const names = words
    .flatMap((line) => line.split(/\s+/).slice(2))
    .filter((word) => !word.startsWith('-') && word !== '')
  return names.map((name) => name.replace(/(?<=.)@[\d.]+$/, ''))
}

let project: Installed
let port: number
const main = (): string => join(project.path, 'main.mts')

beforeAll(async () => {
  port = await freePort()
  project = await install(installedBy(block('sh', 'npm install')).filter((name) => name !== 'typescript'))
  writeFileSync(main(), block('ts', 'InvoiceController').replace('3000', String(port)))
  writeFileSync(join(project.path, 'tsconfig.json'), block('json', 'compilerOptions'))
})
afterAll(() => rmSync(project.path, { recursive: true }))

async function compiled(changes: Readonly<Record<string, unknown>> = {}): Promise<Diagnostic[]> {
  const { compilerOptions } = JSON.parse(block('json', 'compilerOptions'))
  const options = {
    ...compilerOptions,
    ...changes,
    noEmit: false,
    outDir: join(project.path, 'dist'),
    rootDir: project.path,
  }
  return compile({ compiler: 'typescript', files: [main()], from: project.path, options })
}

/** Runs what does not start; fails with what it printed. */
function runToEnd(): string {
  return execFileSync(process.execPath, [join(project.path, 'dist/main.mjs')], { stdio: 'pipe', encoding: 'utf8' })
}

it('a newcomer gets from an empty folder to an audited controller with what is on one page', async () => {
  expect(await compiled()).toEqual([])
  const program = spawn(process.execPath, [join(project.path, 'dist/main.mjs')], { cwd: project.path })
  try {
    let printed = ''
    let complaints = ''
    program.stdout.on('data', (data) => {
      printed += data
    })
    program.stderr.on('data', (data) => {
      complaints += data
    })
    await expect.poll(() => answers(), { timeout: 20_000 }).toBe(true)
    printed = ''
    execFileSync('bash', ['-c', block('sh', 'pay 7').replace('3000', String(port))], { stdio: 'pipe' })
    await expect.poll(() => printed.split('\n').length).toBe(5)
    expect(printed).toBe(block('text', 'invoice_payment'))
    expect(complaints).toBe('')
  } finally {
    program.kill()
  }

  async function answers(): Promise<boolean> {
    return fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    )
  }
})

it('without emitDecoratorMetadata the program says at start that nothing would be validated', async () => {
  expect(await compiled({ emitDecoratorMetadata: false })).toEqual([])
  expect(() => runToEnd()).toThrow(/PARAMETERS_LOST[\s\S]*emitDecoratorMetadata/)
})

it.each([
  ["static readonly className = 'InvoiceController'", '', 'CLASS_NAME_INVALID'],
  ['static readonly actor = () => null', '', 'ACTOR_SOURCE_MISSING'],
  ['auditedControllers(trail, [InvoiceController])', '[InvoiceController]', 'ROUTES_LOST'],
])('without %s the program says at start what to write', async (line, instead, code) => {
  const text = readFileSync(main(), 'utf8')
  expect(text).toContain(line)
  writeFileSync(main(), text.replace(line, instead))
  try {
    expect(await compiled()).toEqual([])
    expect(() => runToEnd()).toThrow(new RegExp(`${code}[\\s\\S]*Write: `))
  } finally {
    writeFileSync(main(), text)
  }
})
