import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { compile, compilers, type Diagnostic, esDecorators, versionOf } from '../support/compile.js'

/** What a comment of a fixture says the compiler will say about the line below. */
interface Expected {
  readonly line: number
  readonly code: string
  readonly fragments: readonly string[]
}

const folders = [
  { kind: 'legacy decorators', folder: join(import.meta.dirname, 'refused'), options: {} },
  { kind: 'ES decorators', folder: join(import.meta.dirname, 'es/refused'), options: esDecorators },
]

function fixturesIn(folder: string) {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const lines = readFileSync(join(folder, name), 'utf8').split('\n')
      return { name, title: (lines[0] ?? '').replace('// ', ''), expected: expectationsOf(lines) }
    })
}

function expectationsOf(lines: readonly string[]): Expected[] {
  return lines.flatMap((text, index) => {
    const match = /^\s*\/\/ (?<code>TS\d+): (?<text>.+)$/.exec(text)?.groups
    if (!match?.code || !match.text) return []
    return [{ line: index + 2, code: match.code, fragments: match.text.split(' … ') }]
  })
}

const runs = compilers.flatMap((compiler) => folders.map((from) => ({ compiler, ...from })))

describe.each(runs)('$compiler, $kind', ({ compiler, folder, options }) => {
  const fixtures = fixturesIn(folder)
  let said: Diagnostic[] = []

  beforeAll(async () => {
    said = await compile({ compiler, files: fixtures.map(({ name }) => join(folder, name)), from: folder, options })
  })

  for (const { name, title, expected } of fixtures) {
    it(`refuses ${title}, at each line that is wrong (${versionOf(compiler)})`, () => {
      const own = said.filter(({ file }) => file === name)
      expect(own.map(({ line, code }) => ({ line, code }))).toEqual(expected.map(({ line, code }) => ({ line, code })))
      for (const [index, { fragments }] of expected.entries()) {
        for (const fragment of fragments) expect(own[index]?.text).toContain(fragment)
      }
    })
  }

  it(`has nothing to say about anything else (${versionOf(compiler)})`, () => {
    expect(said.filter(({ file }) => !fixtures.some(({ name }) => name === file))).toEqual([])
  })
})
