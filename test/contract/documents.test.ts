import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { auditErrorCodes, catalogue } from '@countersign/core'
import ts from 'typescript-6'
import { describe, expect, it } from 'vitest'
import { root } from '../support/compile.js'
import { bare, tableOf } from '../support/document-tables.js'
import { homes, markdownFiles, parse, sourcesOf } from '../support/sources.js'

const sorted = (names: Iterable<string>): string[] => [...names].sort()

describe('docs/events.md', () => {
  const rows = tableOf('docs/events.md')

  it('lists the events of the catalogue and of AuditEvents, each once, and no other', () => {
    expect(sorted(rows.map(([event]) => bare(event)))).toEqual(sorted(Object.keys(catalogue)))
    expect(sorted(detailsOfEvents().keys())).toEqual(sorted(Object.keys(catalogue)))
  })

  it.each(Object.keys(catalogue))('says of %s when it is emitted, and what its details are', (event) => {
    const [, emitted = '', details] = rows.find(([name]) => bare(name) === event) ?? []
    expect(emitted.length).toBeGreaterThan(10)
    expect(details).toBe(detailsOfEvents().get(event))
  })
})

describe('the reasons of docs/events.md', () => {
  const reasons = tableOf('docs/events.md', '## Reasons').map(([reason]) => bare(reason))

  it('are those of AuditReasons, each once, and no other', () => {
    expect(reasons).toEqual(sorted(reasons))
    expect(reasons).toEqual(sorted(membersOf('reasons.ts', 'AuditReasons').map(({ name }) => name)))
  })

  it('are given by some code', () => {
    const said = new Set(
      homes('packages')
        .flatMap(sourcesOf)
        .flatMap(({ tree }) => textsOf(tree)),
    )
    expect(reasons.filter((reason) => !said.has(reason))).toEqual([])
  })
})

describe('docs/errors.md', () => {
  const rows = tableOf('docs/errors.md')

  it('says of every code what happened and what to do', () => {
    expect(rows.filter(([, happened = '', remedy = '']) => happened.length < 20 || remedy.length < 20)).toEqual([])
  })

  it('lists no code that nothing reports', () => {
    const used = new Set(
      homes('packages')
        .flatMap(sourcesOf)
        .filter(canReport)
        .flatMap(({ tree }) => textsOf(tree)),
    )
    expect(auditErrorCodes.filter((code) => !used.has(code))).toEqual([])
  })
})

it('no document and no docstring points to a document that is not there', () => {
  const linked = markdownFiles().flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    return [...text.matchAll(/\]\((?!\w+:|#)(?<to>[^)#\s]+)/g)].map(({ groups }) => ({
      path,
      to: posix.join(posix.dirname(path), groups?.to ?? ''),
    }))
  })
  const named = homes('packages')
    .flatMap(sourcesOf)
    .flatMap(({ path, text }) => [...text.matchAll(/\bdocs\/[\w-]+\.md\b/g)].map(([to]) => ({ path, to })))
  expect([...linked, ...named].filter(({ to }) => !existsSync(join(root, to)))).toEqual([])
})

interface Member {
  readonly name: string
  readonly type: ts.TypeNode | undefined
}

/** The members of an open registry of core. */
function membersOf(file: string, registry: string): Member[] {
  const tree = parse(file, readFileSync(join(root, 'packages/core/src', file), 'utf8'))
  const found = tree.statements.find(
    (statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === registry,
  ) as ts.InterfaceDeclaration
  return found.members.filter(ts.isPropertySignature).map(({ name, type }) => ({ name: name.getText(tree), type }))
}

/** The cell `details` of every event, from the interface that types them. */
function detailsOfEvents(): Map<string, string> {
  return new Map(
    membersOf('events.ts', 'AuditEvents').map(({ name, type }) => {
      const fields = type && ts.isTypeLiteralNode(type) ? type.members.filter(ts.isPropertySignature) : []
      const cell = fields.map((field) => `\`${field.name.getText()}${field.questionToken ? '?' : ''}\``).join(' ')
      return [name, cell === '' ? 'none' : cell]
    }),
  )
}

/** False where a code is only listed, or only expected of others. */
function canReport({ path }: { readonly path: string }): boolean {
  return path !== 'packages/core/src/audit-error.ts' && !path.startsWith('packages/core/src/testing/')
}

function textsOf(tree: ts.SourceFile): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) found.push(node.text)
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}
