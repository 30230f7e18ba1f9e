import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript-6'
import { root } from './compile.js'
import { type Manifest, readManifest } from './packed.js'

/** A source file of a package or an example, parsed. */
export interface Source {
  /** From the root of the repository, with forward slashes. */
  readonly path: string
  /** `packages/core`, `examples/quickstart`. */
  readonly home: string
  /** From the `src` folder of its home. */
  readonly inside: string
  readonly text: string
  readonly tree: ts.SourceFile
}

/** A module that a source names, and where. */
export interface Import {
  readonly specifier: string
  /** True when nothing of it is left in the code that runs. */
  readonly typeOnly: boolean
  readonly line: number
}

/** A name that an entry point exports. */
export interface ExportedName {
  readonly name: string
  readonly typeOnly: boolean
}

/** The folders of all packages, or all examples. */
export function homes(under: 'packages' | 'examples'): string[] {
  const folder = join(root, under)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'package.json')))
    .map((name) => `${under}/${name}`)
    .sort()
}

/** Every document for readers: at the root, under `docs`, and beside the code. */
export function markdownFiles(): string[] {
  const folders = ['.', 'docs', ...homes('packages'), ...homes('examples')]
  return folders.flatMap((folder) => {
    if (!existsSync(join(root, folder))) return []
    return readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => (folder === '.' ? name : `${folder}/${name}`))
  })
}

/** Every TypeScript file under the `src` folder of a package or an example. */
export function sourcesOf(home: string): Source[] {
  const folder = join(root, home, 'src')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => {
      const inside = join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/')
      const text = readFileSync(join(folder, inside), 'utf8')
      return { path: `${home}/src/${inside}`, home, inside, text, tree: parse(inside, text) }
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Every TypeScript file of the tests, by its path from the root. */
export function testFiles(): Array<{ path: string; text: string }> {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .map((inside) => `test/${inside.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !path.includes('/node_modules/'))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

export function parse(name: string, text: string): ts.SourceFile {
  return ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true)
}

/** The line, counted from 1, on which a node begins. */
export function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
}

/** Every module that a source imports: statically, dynamically, as a type, or to augment it. */
export function importsOf({ tree }: Source): Import[] {
  const found: Import[] = []
  const note = (node: ts.Node | undefined, typeOnly: boolean): void => {
    if (node && ts.isStringLiteralLike(node)) found.push({ specifier: node.text, typeOnly, line: lineOf(tree, node) })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) note(node.moduleSpecifier, isTypeOnly(node.importClause))
    else if (ts.isExportDeclaration(node)) note(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) note(node.argument.literal, true)
    else if (ts.isExternalModuleReference(node)) note(node.expression, false)
    else if (ts.isModuleDeclaration(node)) note(node.name, true)
    else if (ts.isCallExpression(node) && loadsModule(node.expression)) note(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (!clause) return false
  if (clause.isTypeOnly) return true
  const { namedBindings } = clause
  if (clause.name || !namedBindings || !ts.isNamedImports(namedBindings)) return false
  return namedBindings.elements.length > 0 && namedBindings.elements.every((element) => element.isTypeOnly)
}

function loadsModule(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
}

/** The entry points of a package, by the name they are imported under, each with its source file. */
export function entryPointsOf(home: string): Map<string, string> {
  const { name, exports = {} }: Manifest = readManifest(join(root, home))
  const entries = new Map<string, string>()
  for (const [subpath, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue
    const source = (target.default ?? '').replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts')
    entries.set(subpath === '.' ? name : `${name}/${subpath.slice(2)}`, `${home}/${source}`)
  }
  return entries
}

/** The names that an `index.ts` lists. */
export function exportedNames(path: string): ExportedName[] {
  const tree = parse(path, readFileSync(join(root, path), 'utf8'))
  return tree.statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement)) {
      const { exportClause, isTypeOnly: all } = statement
      if (!exportClause || !ts.isNamedExports(exportClause)) return []
      return exportClause.elements.map(({ name, isTypeOnly: one }) => ({ name: name.text, typeOnly: all || one }))
    }
    return declaredNames(statement)
      .filter(() => isExported(statement))
      .map((name) => ({ name, typeOnly: ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement) }))
  })
}

export function isExported(statement: ts.Statement): boolean {
  return ts.canHaveModifiers(statement)
    ? (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    : false
}

/** The names that a statement declares. */
export function declaredNames(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => boundNames(name))
  }
  if (
    ts.isClassDeclaration(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement)
  ) {
    return statement.name ? [statement.name.text] : []
  }
  return []
}

function boundNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text]
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? boundNames(element.name) : []))
}
