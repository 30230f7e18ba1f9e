import { execFile } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const require = createRequire(import.meta.url)

/** The root of the repository. */
export const root: string = resolve(import.meta.dirname, '../..')

/** Every compiler whose users are promised that the declarations hold. */
export const compilers = ['typescript-5', 'typescript-6', 'typescript'] as const
export type Compiler = (typeof compilers)[number]

export interface Diagnostic {
  /** Relative to `from`, with forward slashes; empty for a complaint about the options. */
  readonly file: string
  readonly line: number
  readonly code: string
  /** The message and all that is indented below it. */
  readonly text: string
}

export interface Compilation {
  readonly compiler: Compiler
  readonly files: readonly string[]
  /** What the paths in diagnostics are relative to. */
  readonly from: string
  readonly options?: Readonly<Record<string, unknown>>
}

const consumerOptions = {
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  target: 'es2023',
  lib: ['es2024'],
  module: 'nodenext',
  moduleResolution: 'nodenext',
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  skipLibCheck: true,
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
}

/** The options of those who use the standard decorators. */
export const esDecorators = { experimentalDecorators: false, emitDecoratorMetadata: false } as const

/** The version of a compiler, for titles. */
export function versionOf(compiler: Compiler): string {
  return `TypeScript ${(require(`${compiler}/package.json`) as { version: string }).version}`
}

/** A new folder outside of the repository, under the name that the system itself knows it by. */
export function temporaryFolder(purpose: string): string {
  return mkdtempSync(join(realpathSync(tmpdir()), `countersign-${purpose}-`))
}

/** Runs a real compiler, as a user would, and returns what it says. */
export async function compile({ compiler, files, from, options }: Compilation): Promise<Diagnostic[]> {
  const project = temporaryFolder('compile')
  try {
    const config = join(project, 'tsconfig.json')
    writeFileSync(config, JSON.stringify({ compilerOptions: { ...consumerOptions, ...options }, files }))
    return parse(await output(compiler, ['-p', config, '--pretty', 'false'], from), from)
  } finally {
    rmSync(project, { recursive: true })
  }
}

/** As {@link compile}, for sources that are no files; they can import what tests can import. */
export async function compileSources(
  compiler: Compiler,
  sources: ReadonlyMap<string, string>,
  options?: Readonly<Record<string, unknown>>,
): Promise<Diagnostic[]> {
  const folder = temporaryFolder('sources')
  try {
    symlinkSync(join(root, 'test/node_modules'), join(folder, 'node_modules'), 'junction')
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
    const files = [...sources].map(([name, text]) => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    })
    return await compile({ compiler, files, from: folder, ...(options ? { options } : {}) })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function output(compiler: Compiler, args: readonly string[], cwd: string): Promise<string> {
  const tsc = join(dirname(require.resolve(`${compiler}/package.json`)), 'bin/tsc')
  try {
    const { stdout } = await execute(process.execPath, [tsc, ...args], { cwd, maxBuffer: 64 * 1024 * 1024 })
    return stdout
  } catch (error) {
    // It exits with a failure whenever it has something to say.
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    if (typeof stdout !== 'string' || !/error TS\d+/.test(stdout)) {
      throw new Error(`${compiler} did not run: ${stderr ?? ''}${stdout ?? ''}`, { cause: error })
    }
    return stdout
  }
}

const head = /^(?:(?<path>.+?)\((?<line>\d+),\d+\): )?error (?<code>TS\d+): (?<text>.*)$/

function parse(printed: string, from: string): Diagnostic[] {
  const found: Diagnostic[] = []
  for (const line of printed.split(/\r?\n/)) {
    const groups = head.exec(line)?.groups
    const last = found.at(-1)
    if (groups) {
      const { path, line: number, code = '', text = '' } = groups
      const file = path === undefined ? '' : relative(from, resolve(from, path)).split(sep).join('/')
      found.push({ file, line: Number(number ?? 0), code, text })
    } else if (last && line.startsWith(' ')) {
      found[found.length - 1] = { ...last, text: `${last.text}\n${line}` }
    }
  }
  return found
}
