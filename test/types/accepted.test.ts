import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compile, compilers, esDecorators, versionOf } from '../support/compile.js'

const folder = join(import.meta.dirname, 'accepted')
const files = readdirSync(folder).map((name) => join(folder, name))
const esFolder = join(import.meta.dirname, 'es/accepted')
const esFiles = readdirSync(esFolder).map((name) => join(esFolder, name))

describe.each(compilers)('%s', (compiler) => {
  it(`accepts everything that a user writes by the book (${versionOf(compiler)})`, async () => {
    expect(await compile({ compiler, files, from: folder })).toEqual([])
  })

  it(`accepts it in a bundled project, without the strictest options (${versionOf(compiler)})`, async () => {
    const options = { module: 'esnext', moduleResolution: 'bundler', exactOptionalPropertyTypes: false }
    expect(await compile({ compiler, files, from: folder, options })).toEqual([])
  })

  it(`accepts it with the standard decorators (${versionOf(compiler)})`, async () => {
    expect(await compile({ compiler, files: esFiles, from: esFolder, options: esDecorators })).toEqual([])
  })
})
