import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compile, compilers, type Diagnostic, esDecorators, root, versionOf } from '../support/compile.js'
import { entryPoints, type Installed, install, publishedFolders, readManifest } from '../support/packed.js'

const sources = join(import.meta.dirname, 'consumer')
const resolutions = [
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
] as const
const published = publishedFolders().map((folder) => readManifest(join(root, 'packages', folder)))
const entries = published.flatMap(entryPoints)
const theirs = [
  '@types/node',
  '@types/express',
  '@types/koa',
  'express',
  'koa',
  'routing-controllers',
  'class-validator',
  'class-transformer',
]

let project: Installed
let modest: Installed

beforeAll(async () => {
  project = await install([...published.map(({ name }) => name), ...theirs])
  modest = await install(['@countersign/mixins', '@types/node'])
  for (const name of ['controllers.ts', 'main.ts', 'es-decorators.ts', 'koa.ts'])
    copyFileSync(join(sources, name), join(project.path, name))
  copyFileSync(join(sources, 'mixins-only.ts'), join(modest.path, 'mixins-only.ts'))
  const imports = entries.map((entry, index) => `import * as entry${index} from '${entry}'`)
  const uses = entries.map((_, index) => `entry${index}`).join(', ')
  writeFileSync(
    join(project.path, 'every-entry.ts'),
    `${imports.join('\n')}\nexport const all = [${uses}].map(Object.keys)\n`,
  )
})
afterAll(() => {
  for (const made of [project, modest]) if (made) rmSync(made.path, { recursive: true })
})

/** What a compiler says about our declarations and the consumer's code; others answer for theirs. */
function ours(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.filter(({ file }) => !file.includes('node_modules') || /(?:^|\/)@countersign\//.test(file))
}

describe.each(compilers)('%s', (compiler) => {
  const version = versionOf(compiler)

  it.each(resolutions)(
    `checks every declaration of every entry point, $moduleResolution (${version})`,
    async (resolution) => {
      const files = ['every-entry.ts', 'controllers.ts', 'main.ts', 'koa.ts'].map((name) => join(project.path, name))
      const options = { ...resolution, skipLibCheck: false }
      expect(ours(await compile({ compiler, files, from: project.path, options }))).toEqual([])
    },
  )

  it.each(resolutions)(
    `declares controllers that extend mixins, $moduleResolution (${version})`,
    async (resolution) => {
      for (const { path, name } of [
        { path: project.path, name: 'controllers' },
        { path: modest.path, name: 'mixins-only' },
      ]) {
        const outDir = join(path, `declared-${compiler}-${resolution.moduleResolution}`)
        const emit = { noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: path, outDir }
        const files = [join(path, `${name}.ts`)]
        const said = await compile({ compiler, files, from: path, options: { ...resolution, ...emit } })
        expect(said).toEqual([])
        const emitted = [join(outDir, `${name}.d.ts`)]
        const alone = await compile({
          compiler,
          files: emitted,
          from: path,
          options: { ...resolution, skipLibCheck: false },
        })
        expect(ours(alone)).toEqual([])
      }
    },
  )
})

it('runs what it compiled to on this Node', async () => {
  const outDir = join(project.path, 'built')
  const files = ['every-entry.ts', 'main.ts', 'koa.ts'].map((name) => join(project.path, name))
  const emit = { noEmit: false, rootDir: project.path, outDir }
  expect(await compile({ compiler: 'typescript', files, from: project.path, options: emit })).toEqual([])
  const run = (name: string): string =>
    execFileSync(process.execPath, ['--throw-deprecation', join(outDir, name)], { cwd: project.path, encoding: 'utf8' })
  expect(JSON.parse(run('main.js'))).toEqual({
    node: process.versions.node,
    counts: { recorded: 5, vetoed: 0, lost: 0 },
  })
  expect(JSON.parse(run('koa.js'))).toEqual({ recorded: 1, vetoed: 0, lost: 0 })
  expect(run('every-entry.js')).toBe('')
})

it('has the command countersign-coverage, which runs where the packages are installed', () => {
  const adapters = project.packed.find(({ folder }) => folder === 'adapters')
  const command = join(adapters?.path ?? '', adapters?.manifest.bin?.['countersign-coverage'] ?? 'no bin')
  expect(readFileSync(command, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  const exempt = ['--exempt', 'POST /api/auth/token/verify=reads a token, changes nothing']
  const printed = execFileSync(process.execPath, [command, '@countersign/auth', 'authControllers', ...exempt], {
    cwd: project.path,
    encoding: 'utf8',
  })
  expect(printed).toContain('POST /api/auth/login')
  expect(printed).toMatch(/\d+ of \d+ routes change state: \d+ audited, 1 exempt\.\n$/)
})

describe.each(compilers)('%s', (compiler) => {
  it(`compiles and declares classes with ES decorators, which run (${versionOf(compiler)})`, async () => {
    const outDir = join(project.path, `standard-${compiler}`)
    const options = { ...esDecorators, noEmit: false, declaration: true, rootDir: project.path, outDir }
    const files = [join(project.path, 'es-decorators.ts')]
    expect(await compile({ compiler, files, from: project.path, options })).toEqual([])
    const emitted = [join(outDir, 'es-decorators.d.ts')]
    const alone = { skipLibCheck: false, ...esDecorators }
    expect(ours(await compile({ compiler, files: emitted, from: project.path, options: alone }))).toEqual([])
    const printed = execFileSync(process.execPath, [join(outDir, 'es-decorators.js')], {
      cwd: project.path,
      encoding: 'utf8',
    })
    expect(JSON.parse(printed)).toEqual(['SessionService login', 'SessionService logout'])
  })
})
