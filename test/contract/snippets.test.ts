import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript-6'
import { expect, it } from 'vitest'
import { compileSources, esDecorators, root } from '../support/compile.js'
import {
  declaredNames,
  entryPointsOf,
  exportedNames,
  homes,
  isExported,
  markdownFiles,
  parse,
  sourcesOf,
} from '../support/sources.js'

/** A piece of code that documents something. */
interface Snippet {
  readonly path: string
  /** The line of its file that the code begins on. */
  readonly line: number
  /** Snippets of one document build upon those before them. */
  readonly document: string
  readonly code: string
}

/** What a snippet may use without importing it: our public names, and the usual ones of others. */
const importable = new Map<string, string>([
  ...['Body', 'JsonController', 'Post', 'Get', 'HttpCode', 'Authorized', 'createExpressServer'].map(
    (name) => [name, 'routing-controllers'] as const,
  ),
  ...['IsEmail', 'IsString'].map((name) => [name, 'class-validator'] as const),
  ['MikroORM', '@mikro-orm/core'],
  ['pino', 'pino'],
  ['Migrator', '@mikro-orm/migrations'],
])
for (const [entry, source] of homes('packages')
  .flatMap((home) => [...entryPointsOf(home)])
  .reverse()) {
  for (const { name } of exportedNames(source)) importable.set(name, entry)
}

const placeholders = readFileSync(join(import.meta.dirname, 'placeholders.d.ts'), 'utf8')

it('every example of a docstring compiles', async () => {
  const snippets = homes('packages')
    .flatMap(sourcesOf)
    .flatMap(({ path, text }) => examplesOf(path, text))
  expect(snippets.length).toBeGreaterThan(15)
  expect(await complaintsAbout(snippets)).toEqual([])
})

it('every snippet of the documents that is marked as ts compiles', async () => {
  expect(await complaintsAbout(markdownFiles().flatMap(fencesOf))).toEqual([])
})

/** A snippet that imports ES decorators is compiled as their users compile it. */
async function complaintsAbout(snippets: readonly Snippet[]): Promise<string[]> {
  const isStandard = ({ code }: Snippet): boolean => code.includes("'@countersign/mixins/es'")
  return [
    ...(await complaintsOf(snippets.filter((snippet) => !isStandard(snippet)))),
    ...(await complaintsOf(snippets.filter(isStandard), esDecorators)),
  ]
}

async function complaintsOf(snippets: readonly Snippet[], options: object = {}): Promise<string[]> {
  if (snippets.length === 0) return []
  const modules = new Map([['placeholders.d.ts', placeholders]])
  const names = new Map<string, Snippet>()
  const declaredBefore = new Map<string, Map<string, string>>()
  for (const [index, snippet] of snippets.entries()) {
    const before = declaredBefore.get(snippet.document) ?? new Map<string, string>()
    declaredBefore.set(snippet.document, before)
    const { text, declared } = moduleOf(snippet.code, before)
    modules.set(`snippet-${index}.ts`, text)
    names.set(`snippet-${index}.ts`, snippet)
    for (const name of declared) before.set(name, `./snippet-${index}.js`)
  }
  const said = await compileSources('typescript', modules, { exactOptionalPropertyTypes: false, ...options })
  return said.map(({ file, line, code, text }) => {
    const snippet = names.get(file)
    return `${snippet ? `${snippet.path}:${snippet.line + line - headLines - 1}` : file} ${code}: ${text}`
  })
}

/** The line of imports, and the one that begins a class where only its members are shown. */
const headLines = 2

/** A snippet as a module: with the imports that its readers know from its surroundings. */
function moduleOf(code: string, before: ReadonlyMap<string, string>): { text: string; declared: string[] } {
  const members = !isWhole(code)
  const whole = members ? `class Example {\n${code}\n}` : `\n${code}`
  const tree = parse('snippet.ts', whole)
  const own = new Set(tree.statements.flatMap(namesOf))
  const imports = [...freeNames(tree)]
    .filter((name) => !own.has(name))
    .flatMap((name) => {
      const from = before.get(name) ?? importable.get(name)
      return from === undefined ? [] : [`import { ${name} } from '${from}'`]
    })
  const declared = tree.statements.filter((statement) => !ts.isImportDeclaration(statement)).flatMap(declaredNames)
  const unexported = new Set(
    tree.statements.filter((statement) => !isExported(statement)).flatMap((statement) => declaredNames(statement)),
  )
  const exports = declared.filter((name) => unexported.has(name))
  return { text: `${imports.join('; ')}\n${whole}\nexport { ${exports.join(', ')} }\n`, declared }
}

/** False for members of a class, which are shown without the class. */
function isWhole(code: string): boolean {
  const { parseDiagnostics } = parse('snippet.ts', code) as unknown as { parseDiagnostics: readonly unknown[] }
  return parseDiagnostics.length === 0
}

function namesOf(statement: ts.Statement): string[] {
  if (!ts.isImportDeclaration(statement)) return declaredNames(statement)
  const { name, namedBindings } = statement.importClause ?? {}
  if (!namedBindings) return name ? [name.text] : []
  const bound = ts.isNamedImports(namedBindings)
    ? namedBindings.elements.map((element) => element.name)
    : [namedBindings.name]
  return [...(name ? [name] : []), ...bound].map(({ text }) => text)
}

/** Every identifier that may refer to something outside, which is all that are no names of members. */
function freeNames(tree: ts.SourceFile): Set<string> {
  const found = new Set<string>()
  const visit = (node: ts.Node): void => {
    const { parent } = node
    const isMember =
      parent !== undefined &&
      ((ts.isPropertyAccessExpression(parent) && parent.name === node) ||
        (ts.isPropertyAssignment(parent) && parent.name === node) ||
        ((ts.isClassElement(parent) || ts.isTypeElement(parent)) && parent.name === node))
    if (ts.isIdentifier(node) && !isMember) found.add(node.text)
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

/** The `@example` blocks of every docstring; a block ends where the next tag begins. */
function examplesOf(path: string, text: string): Snippet[] {
  return [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap((comment) => {
    const first = text.slice(0, comment.index).split('\n').length
    const lines = comment[0]
      .split('\n')
      .map((line) => line.replace(/^\s*(?:\/\*\*|\*\/|\*) ?/, '').replace(/\s*\*\/$/, ''))
    return lines.flatMap((line, index) => {
      if (!line.startsWith('@example')) return []
      const rest = lines.slice(index + 1)
      const end = rest.findIndex((later) => /^@[a-z]/.test(later))
      const code = (end === -1 ? rest : rest.slice(0, end)).filter((inside) => !inside.startsWith('```')).join('\n')
      const begin = first + index + 1
      return [{ path, line: begin, document: `${path}:${begin}`, code }]
    })
  })
}

function fencesOf(document: string): Snippet[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^(?<indent> *)```(?:ts|typescript)\b.*\n(?<code>[\s\S]*?)^\k<indent>```\s*$/gm)].map(
    (fence) => ({
      path: document,
      line: text.slice(0, fence.index).split('\n').length + 1,
      document,
      code: fence.groups?.code ?? '',
    }),
  )
}
