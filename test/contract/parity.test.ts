import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../support/compile.js'

const rows = readFileSync(join(root, 'docs/parity.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| S\d-/.test(line))
const proof = /`([\w/-]+\.test\.ts)` "([^"]+)"\s*\|$/

describe('docs/parity.md', () => {
  it('has rows', () => expect(rows.length).toBeGreaterThan(50))

  it.each(rows.map((row) => [row.split('|')[1]?.trim(), row]))('names for %s a test that exists', (_id, row) => {
    const [, file = '', words = ''] = proof.exec(row) ?? []
    const path = join(root, 'test', file)
    expect(existsSync(path) && file !== '', file).toBe(true)
    expect(readFileSync(path, 'utf8')).toContain(words)
  })
})
