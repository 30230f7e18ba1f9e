import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../support/compile.js'

/** Every text file that is, or would be, under version control. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(root, path)))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
  .filter(({ text }) => !text.includes('\0'))

function findings(pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const found = pattern.exec(line)
      return found ? [`${path}:${index + 1} has ${found[0]}`] : []
    }),
  )
}

it('no file names a folder of the machine that it was written on', () => {
  expect(files.length).toBeGreaterThan(50)
  const machine = /(?<![\w.~@-])\/(?:home|Users|root|work|workspace|mnt|media)\/[\w.-]+|(?<!\w)[A-Z]:\\\\?Users/
  expect(findings(machine)).toEqual([])
})

it('no file names the folder that this repository lies in', () => {
  const here = new RegExp(`(?<![\\w.])${root.replace(/[^\w/]/g, '\\$&')}(?![\\w-])`)
  // A repository at the top of a disk would be looked for under a name that anything may have.
  expect(root.split('/').length > 2 ? findings(here) : []).toEqual([])
})

it('no file names a host that packages come from', () => {
  const labels = 'registry|artifactory|nexus|verdaccio|npmmirror'
  const host = new RegExp(
    `\\b(?:[\\w-]+\\.)*(?:${labels})(?:\\.[\\w-]+)*\\.(?:com|org|net|io|dev|cloud|internal|local|lan)\\b|\\bnpmjs\\.org\\b`,
  )
  expect(findings(host)).toEqual([])
})
