import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import ts from 'typescript-6'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Installed, install, type PackedPackage, publishedFolders } from '../support/packed.js'

let project: Installed

beforeAll(async () => {
  project = await install([])
})
afterAll(() => {
  if (project) rmSync(project.path, { recursive: true })
})

describe.each(publishedFolders())('the tarball of %s', (folder) => {
  const own = (): PackedPackage => project.packed.find((packed) => packed.folder === folder) as PackedPackage

  it('holds what was built, the pages it serves, the verifier that stands alone, and nothing else', () => {
    const allowed =
      /^(?:package\.json|README\.md|LICENSE|dist\/.+\.(?:js|js\.map|d\.ts)|public\/.+\.(?:html|css|js|svg|png|ico)|verify\/verify-bundle\.mjs)$/
    expect(own().files.filter((file) => !allowed.test(file))).toEqual([])
    expect(own().files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
    expect(own().files.filter((file) => file.startsWith('dist/')).length).toBeGreaterThan(0)
  })

  it('has a file behind every export', () => {
    const targets = Object.values(own().manifest.exports ?? {}).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target),
    )
    expect(targets.length).toBeGreaterThan(1)
    expect(targets.filter((target) => !existsSync(join(own().path, target)))).toEqual([])
  })

  it('speaks of no workspace and no catalog', () => {
    expect(readFileSync(join(own().path, 'package.json'), 'utf8')).not.toMatch(/"(?:workspace|catalog|link|file):/)
  })

  it('declares everything that its code and its declarations import', () => {
    expect(importsOf(own(), /\.(?:js|d\.ts)$/).filter(({ imports }) => !declared(own(), imports))).toEqual([])
  })

  it('declares the types of what its declarations import, where they come apart', () => {
    const apart = importsOf(own(), /\.d\.ts$/)
      .filter(({ imports }) => !hasTypes(own(), imports))
      .map(({ file, imports }) => ({ file, needs: `@types/${imports}` }))
    expect(apart.filter(({ needs }) => !declared(own(), needs))).toEqual([])
  })
})

it('console has its two commands, which run where the package is unpacked', () => {
  const { path, manifest } = project.packed.find((packed) => packed.folder === 'console') as PackedPackage
  const { bin = {} } = manifest
  expect(Object.keys(bin)).toEqual(['countersign', 'countersign-verify'])
  for (const target of Object.values(bin)) {
    const file = join(path, target)
    expect(readFileSync(file, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
    const { status, stderr } = spawnSync(process.execPath, [file, 'verify', '--none'], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('--json') })
  }
})

it('adapters have no root export: each is asked for by its name', () => {
  const adapters = project.packed.find(({ folder }) => folder === 'adapters')
  expect(Object.keys(adapters?.manifest.exports ?? {})).not.toContain('.')
})

interface Imported {
  readonly file: string
  readonly imports: string
}

/** The packages of others that the files of a package import. */
function importsOf({ path, files }: PackedPackage, which: RegExp): Imported[] {
  return files
    .filter((file) => file.startsWith('dist/') && which.test(file))
    .flatMap((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(join(path, file), 'utf8'))
      return importedFiles.map(({ fileName }) => ({ file, imports: fileName }))
    })
    .filter(({ imports }) => !imports.startsWith('.') && !isBuiltin(imports))
    .map(({ file, imports }) => ({ file, imports: imports.split('/', imports.startsWith('@') ? 2 : 1).join('/') }))
}

function declared({ manifest }: PackedPackage, name: string): boolean {
  return name in { ...manifest.dependencies, ...manifest.peerDependencies }
}

function hasTypes({ path }: PackedPackage, name: string): boolean {
  const installed = join(path, '../..', name)
  const manifest = readFileSync(join(installed, 'package.json'), 'utf8')
  return /"(?:types|typings)"/.test(manifest) || existsSync(join(installed, 'index.d.ts'))
}
