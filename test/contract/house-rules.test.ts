import { basename } from 'node:path'
import ts from 'typescript-6'
import { expect, it } from 'vitest'
import { homes, lineOf, type Source, sourcesOf, testFiles } from '../support/sources.js'

const sources = [...homes('packages'), ...homes('examples')].flatMap(sourcesOf)
const packaged = homes('packages').flatMap(sourcesOf)

const maxFileLines = 300
const maxTestFileLines = 400
const maxFunctionLines = 60

it(`no source file is longer than ${maxFileLines} lines`, () => {
  expect(longerThan(maxFileLines, sources)).toEqual([])
})

it(`no file of the tests is longer than ${maxTestFileLines} lines`, () => {
  const files = testFiles()
  expect(files.length).toBeGreaterThan(100)
  expect(longerThan(maxTestFileLines, files)).toEqual([])
})

it(`no function is longer than ${maxFunctionLines} lines, the functions inside it counted apart`, () => {
  expect(sources.flatMap(functionsOf).filter(({ lines }) => lines > maxFunctionLines)).toEqual([])
})

it('no file is a drawer for what has no name of its own', () => {
  const drawer = /(?:^|[-.])(?:utils?|helpers?|managers?|misc|common)(?:[-.]|$)/
  expect(
    sources.filter(({ path }) => path.split('/').some((part) => drawer.test(part))).map(({ path }) => path),
  ).toEqual([])
})

it('files and folders are named in kebab-case', () => {
  const kebab = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.d)?(?:\.tsx?)?$/
  const parts = sources.flatMap(({ path }) =>
    path
      .split('/')
      .slice(3)
      .map((part) => ({ path, part })),
  )
  expect(parts.filter(({ part }) => !kebab.test(part)).map(({ path }) => path)).toEqual([])
})

it('packages name what they export: no star, no default', () => {
  expect(packaged.flatMap(namelessExports)).toEqual([])
})

it('only an index.ts hands on what another file exports', () => {
  const handedOn = packaged
    .filter(({ path }) => basename(path) !== 'index.ts')
    .flatMap(({ path, tree }) =>
      tree.statements
        .filter((statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier)
        .map((statement) => `${path}:${lineOf(tree, statement)}`),
    )
  expect(handedOn).toEqual([])
})

function longerThan(most: number, files: ReadonlyArray<{ path: string; text: string }>) {
  return files
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > most)
}

function functionsOf({ path, tree }: Source): Array<{ where: string; lines: number }> {
  const found: Array<{ where: string; lines: number }> = []
  /** Returns how many lines the functions inside take, between the line that opens and the line that closes each. */
  const visit = (node: ts.Node): number => {
    let inner = 0
    ts.forEachChild(node, (child) => {
      inner += visit(child)
    })
    if (!ts.isFunctionLike(node) || !('body' in node) || !node.body) return inner
    const lines = tree.getLineAndCharacterOfPosition(node.end).line + 2 - lineOf(tree, node)
    found.push({ where: `${path}:${lineOf(tree, node)}`, lines: lines - inner })
    return Math.max(0, lines - 2)
  }
  visit(tree)
  return found
}

function namelessExports({ path, tree }: Source): string[] {
  return tree.statements
    .filter((statement) => {
      if (ts.isExportAssignment(statement)) return true
      if (ts.isExportDeclaration(statement)) {
        const { exportClause } = statement
        if (!exportClause || !ts.isNamedExports(exportClause)) return true
        return exportClause.elements.some(({ name }) => name.text === 'default')
      }
      if (!ts.canHaveModifiers(statement)) return false
      return (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
    })
    .map((statement) => `${path}:${lineOf(tree, statement)}`)
}
