import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../support/compile.js'
import { titlesIn } from '../support/test-titles.js'

interface Proof {
  readonly file: string
  readonly words: string
}

const rows = readFileSync(join(root, 'docs/parity.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| S\d-/.test(line))
const isAbsent = (row: string): boolean => /\| (?:declined|not yet): [^|]{20,}\|$/.test(row)
const proven = rows.filter((row) => !isAbsent(row))
const proof = /`([\w/-]+\.test\.ts)` "([^"]+)"/g
const idsOf = (row: string): string => row.split('|')[1]?.trim() ?? ''

/** What the last column of a row names, and nothing else stands there. */
function proofsOf(row: string): Proof[] {
  const column = row.split('|').at(-2)?.trim() ?? ''
  expect(column.replace(proof, 'proof'), 'one proof, or several with "; " between').toMatch(/^proof(?:; proof)*$/)
  return [...column.matchAll(proof)].map(([, file = '', words = '']) => ({ file, words }))
}

describe('docs/parity.md', () => {
  it('has rows', () => expect(proven.length).toBeGreaterThan(50))

  it('has every id once, and a part of a row beside the row', () => {
    const ids = rows.flatMap((row) => idsOf(row).split(', '))
    expect(ids.filter((id) => !/^S\d-[A-Z]\d+b?(?: \([a-z ]+\))?$/.test(id))).toEqual([])
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
    expect(ids.filter((id) => !ids.includes(id.replace(/ \(.*/, '')))).toEqual([])
  })

  it.each(proven.map((row) => [idsOf(row), row]))('names for %s tests that exist, each by one title', (_id, row) => {
    for (const { file, words } of proofsOf(row)) {
      const path = join(root, 'test', file)
      expect(existsSync(path), file).toBe(true)
      const named = titlesIn(readFileSync(path, 'utf8')).filter((title) => title.includes(words))
      expect(named, `titles of ${file} with "${words}"`).toHaveLength(1)
    }
  })
})

describe('what counts as a title', () => {
  it.each([
    ["it('states a fact', () => {})", 'states a fact'],
    [`it(\`states \${what} of \${whom}\`, () => {})`, 'states … of …'],
    ["describe.runIf(here)('a place', () => {})", 'a place'],
    ["test.each([['row']])('for %s', () => {})", 'for %s'],
    ["describe.skipIf(away)('a place', () => {})", 'a place'],
    ["it.each('row')(title, () => {})", null],
    ["it.skip('never runs', () => {})", null],
    ["it.todo('never runs')", null],
    ["describe.skip('a place', () => { it('never runs', () => {}) })", null],
    ["import { storeCases } from 'it'", null],
    ["const places = [{ name: 'PostgreSQL' }]", null],
    ["readdirSync(join(folder, 'refused'))", null],
  ])('of %s is %j', (text, title) => expect(titlesIn(text)).toEqual(title === null ? [] : [title]))
})
