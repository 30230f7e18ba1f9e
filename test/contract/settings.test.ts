import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { settingNames } from '@countersign/auth'
import { describe, expect, it } from 'vitest'
import { root } from '../support/compile.js'
import { bare, tableOf } from '../support/document-tables.js'
import { titlesIn } from '../support/test-titles.js'

const rows = tableOf('docs/settings.md')
const proof = /^`([\w/-]+\.test\.ts)` "([^"]+)"$/
const nameOf = ([name]: readonly string[]): string => bare(name)

describe('docs/settings.md', () => {
  it('lists every setting once, and no other', () => {
    expect(rows.map(nameOf).sort()).toEqual([...settingNames].sort())
  })

  it('says of each what its default is, and what it does', () => {
    expect(rows.filter(([, byDefault = '', is = '']) => byDefault === '' || is.length < 8)).toEqual([])
  })

  it('knows for each a test which shows that it takes effect', () => {
    expect(rows.filter((row) => !proof.test(row[4] ?? '')).map(nameOf)).toEqual([])
  })

  it.each(rows)('names for %s a test that exists, by one title', (...row) => {
    const [, file = '', words = ''] = proof.exec(row[4] ?? '') ?? []
    const path = join(root, 'test', file)
    expect(existsSync(path) && file !== '', row[4]).toBe(true)
    expect(titlesIn(readFileSync(path, 'utf8')).filter((title) => title.includes(words))).toHaveLength(1)
  })
})
