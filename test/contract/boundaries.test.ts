import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../support/compile.js'
import { readManifest } from '../support/packed.js'
import { homes, type Import, importsOf, type Source, sourcesOf } from '../support/sources.js'

/** The arrows point one way: what each home may import of ours. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  'packages/core': [],
  'packages/mixins': ['core'],
  'packages/adapters': ['core', 'mixins'],
  'packages/auth': ['core', 'mixins', 'adapters'],
  'packages/console': ['core', 'adapters'],
  examples: ['core', 'mixins', 'adapters', 'auth', 'console'],
}

/** What core and mixins may import of others'; the rest may import what they declare. */
const outside: Readonly<Record<string, readonly string[]>> = {
  'packages/core': ['mitt'],
  'packages/mixins': ['reflect-metadata'],
}

/** The one outside library that an adapter knows, where it is a family; else it is named like the folder. */
const families: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  'routing-controllers': ['routing-controllers', 'express', 'koa', 'body-parser', 'class-validator'],
  'mikro-orm': [/^@mikro-orm\//],
}
const sharedByAdapters = [
  '@countersign/core',
  '@countersign/core/evidence',
  '@countersign/mixins',
  'ipaddr.js',
  'reflect-metadata',
]

interface Arrow extends Import {
  readonly source: Source
}

const all: Arrow[] = [...homes('packages'), ...homes('examples')]
  .flatMap(sourcesOf)
  .flatMap((source) => importsOf(source).map((imported) => ({ source, ...imported })))

const where = ({ source, line, specifier }: Arrow): string => `${source.path}:${line} imports ${specifier}`
const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
const isRelative = ({ specifier }: Arrow): boolean => specifier.startsWith('.')
const isOurs = ({ specifier }: Arrow): boolean => specifier.startsWith('@countersign/')
const isOthers = (arrow: Arrow): boolean => !isRelative(arrow) && !isOurs(arrow) && !isBuiltin(arrow.specifier)

/** Where a relative import leads, from the `src` folder of its home. */
const target = ({ source, specifier }: Arrow): string => posix.join(posix.dirname(source.inside), specifier)

describe('the arrows between the packages', () => {
  it('are read from every package', () => {
    const read = new Set(all.map(({ source }) => source.home))
    expect(homes('packages').filter((home) => !read.has(home))).toEqual([])
  })

  it('point one way: core, mixins, adapters, auth, examples', () => {
    const wrong = all.filter(isOurs).filter(({ source, specifier }) => {
      const home = source.home.startsWith('examples/') ? 'examples' : source.home
      return !arrows[home]?.includes(packageOf(specifier).replace('@countersign/', ''))
    })
    expect(wrong.map(where)).toEqual([])
  })

  it('never leave a package by a relative path', () => {
    expect(all.filter((arrow) => isRelative(arrow) && target(arrow).startsWith('..')).map(where)).toEqual([])
  })

  it('go through entry points, never into the files of another package', () => {
    const entries = new Set(
      homes('packages').flatMap((home) => {
        const { name, exports = {} } = readManifest(join(root, home))
        return Object.keys(exports).map((subpath) => posix.join(name, subpath))
      }),
    )
    expect(all.filter((arrow) => isOurs(arrow) && !entries.has(arrow.specifier)).map(where)).toEqual([])
  })
})

describe('what others wrote', () => {
  it.each(Object.entries(outside))('%s takes of it nothing but %s', (home, allowed) => {
    const wrong = all.filter((arrow) => arrow.source.home === home && isOthers(arrow))
    expect(wrong.filter(({ specifier }) => !allowed.includes(specifier)).map(where)).toEqual([])
  })

  it('is one library for each adapter, and no adapter is another one', () => {
    const wrong = all
      .filter(({ source }) => source.home === 'packages/adapters')
      .filter((arrow) => {
        const [adapter = ''] = arrow.source.inside.split('/')
        if (isRelative(arrow)) return !target(arrow).startsWith(`${adapter}/`)
        const allowed = [...sharedByAdapters, ...(families[adapter] ?? [adapter])]
        return (
          !isBuiltin(arrow.specifier) &&
          !allowed.some((name) => (typeof name === 'string' ? name === arrow.specifier : name.test(arrow.specifier)))
        )
      })
    expect(wrong.map(where)).toEqual([])
  })

  it('is known by its types alone where it is one of two frameworks: nobody has to have the other', () => {
    const frameworks = all.filter(
      ({ source, specifier }) =>
        source.inside.startsWith('routing-controllers/') && /^(?:express|koa)$/.test(specifier),
    )
    expect(new Set(frameworks.map(({ specifier }) => specifier))).toEqual(new Set(['express', 'koa']))
    expect(frameworks.filter(({ typeOnly }) => !typeOnly).map(where)).toEqual([])
    const rooms = ['routing-controllers/express/', 'routing-controllers/koa/', 'routing-controllers/driver.ts']
    const outside = frameworks.filter(({ source }) => !rooms.some((room) => source.inside.startsWith(room)))
    expect(outside.map(where)).toEqual([])
  })

  it('is declared: what runs as a dependency or a peer, a mere type at the least for development', () => {
    const undeclared = all
      .filter((arrow) => !isRelative(arrow) && !isBuiltin(arrow.specifier))
      .filter((arrow) => {
        const { name, dependencies, peerDependencies, devDependencies } = readManifest(join(root, arrow.source.home))
        const declared = { ...dependencies, ...peerDependencies, ...(arrow.typeOnly ? devDependencies : {}) }
        const wanted = packageOf(arrow.specifier)
        return wanted !== name && !(wanted in declared)
      })
    expect(undeclared.map(where)).toEqual([])
  })

  it('is asked for as a builtin by its full name', () => {
    expect(all.filter(({ specifier }) => isBuiltin(specifier) && !specifier.startsWith('node:')).map(where)).toEqual([])
  })
})
