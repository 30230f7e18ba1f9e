import { expect, it } from 'vitest'
import { entryPointsOf, exportedNames, homes, sourcesOf } from '../support/sources.js'

/** Every name that a user can import; a change is made on purpose, by running this test with `-u`. */
const publicApi = homes('packages')
  .flatMap((home) => [...entryPointsOf(home)])
  .map(([entry, source]) => {
    const names = exportedNames(source).map(({ name, typeOnly }) => `  ${name}${typeOnly ? ' (type)' : ''}\n`)
    return `${entry}\n${names.sort().join('')}`
  })
  .join('\n')

it('exports what is listed in public-api.txt, and nothing else', async () => {
  await expect(publicApi).toMatchFileSnapshot('public-api.txt')
})

it('names the two interfaces of every mixin beside it: what it hooks and what it adds', () => {
  const names = new Set(exportedNames('packages/mixins/src/index.ts').map(({ name }) => name))
  const hooked = sourcesOf('packages/mixins').flatMap(({ inside, text }) => {
    if (!/^with-.+-audit\.ts$/.test(inside)) return []
    const handlers = /: AuditMixin<(?<handlers>\w+)>/.exec(text)?.groups?.handlers
    return [{ inside, handlers: handlers ?? 'none' }]
  })
  expect(hooked.length).toBeGreaterThan(4)
  expect(hooked.filter(({ handlers }) => !names.has(handlers))).toEqual([])
  expect(names).toContain('AuditedController')
})
