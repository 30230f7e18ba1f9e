import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../support/compile.js'
import { titlesIn } from '../support/test-titles.js'

const page = readFileSync(join(root, 'docs/guarantees.md'), 'utf8')
const lines = page.split('\n').filter((line) => line.startsWith('- `test/'))
const citation = /^- `(?<file>test\/[\w/.-]+\.test\.ts)`: (?<title>.+)$/

it('every table of the guarantees, and every "When", names tests that hold it', () => {
  const sections = page.split(/^## /m).slice(1)
  const unheld = sections
    .filter((section) => section.startsWith('When ') || section.includes('\n| ---'))
    .filter((section) => !section.includes('\n- `test/'))
    .map((section) => section.split('\n', 1)[0])
  expect(unheld).toEqual([])
})

it('every test that the guarantees name is there, under that whole title, and runs', () => {
  expect(lines.length).toBeGreaterThan(30)
  const missing = lines.filter((line) => {
    const { file = '', title = '' } = citation.exec(line)?.groups ?? {}
    const path = join(root, file)
    return title === '' || !existsSync(path) || !titlesIn(readFileSync(path, 'utf8')).includes(title)
  })
  expect(missing).toEqual([])
})
