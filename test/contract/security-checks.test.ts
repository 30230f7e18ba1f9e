import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../support/compile.js'
import { titlesIn } from '../support/test-titles.js'

const rows = readFileSync(join(root, 'docs/security-checks.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| [A-Z]{3}-\d/.test(line))
  .map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
const proof = /`([\w/-]+\.test\.ts)` "([^"]+)"/g
// What is measured, and no test of yes or no.
const bench = /`(bench\/[\w-]+\.js)` \(`pnpm bench [\w-]+`\)/g

describe('docs/security-checks.md', () => {
  it('has every check once, and says how it ended', () => {
    const ids = rows.map(([id = '']) => id)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
    expect(rows.filter(([, , , outcome = '']) => !/^(?:met|not met: .{10}|partly: .{10})/.test(outcome))).toEqual([])
  })

  it.each(rows.filter(([, , , outcome = '']) => !outcome.startsWith('not met')))(
    'names for %s tests that exist, each by one title',
    (...row) => {
      const column = row[2] ?? ''
      expect(column.replace(proof, 'proof').replace(bench, 'proof'), 'one proof, or several with "; " between').toMatch(
        /^proof(?:; proof)*$/,
      )
      for (const [, file = ''] of column.matchAll(bench)) expect(existsSync(join(root, 'test', file)), file).toBe(true)
      for (const [, file = '', words = ''] of column.matchAll(proof)) {
        const path = join(root, 'test', file)
        expect(existsSync(path), file).toBe(true)
        const named = titlesIn(readFileSync(path, 'utf8')).filter((title) => title.includes(words))
        expect(named, `titles of ${file} with "${words}"`).toHaveLength(1)
      }
    },
  )
})
