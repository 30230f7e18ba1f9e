import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../support/compile.js'

const rows = readFileSync(join(root, 'docs/parity.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| S\d-/.test(line))
const isAbsent = (row: string): boolean => /\| (?:declined|not yet): [^|]{20,}\|$/.test(row)
const proven = rows.filter((row) => !isAbsent(row))
const proof = /`([\w/-]+\.test\.ts)` "([^"]+)"\s*\|$/
const idsOf = (row: string): string => row.split('|')[1]?.trim() ?? ''

describe('docs/parity.md', () => {
  it('has rows', () => expect(proven.length).toBeGreaterThan(50))

  it('has every id once', () => {
    const ids = rows.flatMap((row) => idsOf(row).split(', '))
    expect(ids.filter((id) => !/^S\d-[A-Z]\d+b?$/.test(id))).toEqual([])
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  })

  it.each(proven.map((row) => [idsOf(row), row]))('names for %s a test that exists', (_id, row) => {
    const [, file = '', words = ''] = proof.exec(row) ?? []
    const path = join(root, 'test', file)
    expect(existsSync(path) && file !== '', file).toBe(true)
    expect(readFileSync(path, 'utf8')).toContain(words)
  })
})
