import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../support/compile.js'

const page = readFileSync(join(root, 'docs/guarantees.md'), 'utf8')
const cited = [...page.matchAll(/^- `(test\/[\w/.-]+\.test\.ts)`: (.+)$/gm)].map(([, file = '', title = '']) => ({
  file,
  title,
}))

it('every table of the guarantees names tests that hold it', () => {
  const sections = page.split(/^## /m).slice(1)
  const unheld = sections
    .filter((section) => section.includes('\n| ---'))
    .filter((section) => !section.includes('\n- `test/'))
    .map((section) => section.split('\n', 1)[0])
  // What the power cut of a machine costs nobody can test in a test.
  expect(unheld).toEqual(['When the machine dies'])
})

it('every test that the guarantees name is there, under that title', () => {
  expect(cited.length).toBeGreaterThan(20)
  const missing = cited.filter(({ file, title }) => {
    const path = join(root, file)
    return !existsSync(path) || !readFileSync(path, 'utf8').includes(title)
  })
  expect(missing).toEqual([])
})
