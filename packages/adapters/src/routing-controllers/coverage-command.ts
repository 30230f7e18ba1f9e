import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect, parseArgs } from 'node:util'
import type { ControllerClass } from './controller-classes.js'
import { auditCoverage } from './coverage.js'
import { formatCoverage } from './coverage-table.js'

/** What the command `countersign-coverage` prints and exits with. */
export interface CommandResult {
  /** 0: every state-changing route is audited or exempt; 1: one is not; 2: wrong usage. */
  readonly exitCode: 0 | 1 | 2
  readonly text: string
}

const usage =
  "countersign-coverage <module> [export, 'controllers' unless told] [--prefix /api] [--json] [--exempt 'POST /path=reason']"

class UsageError extends Error {}

/** Runs the command with its arguments, in a folder. Never throws. */
export async function coverageCommand(args: readonly string[], folder: string): Promise<CommandResult> {
  try {
    if (args.includes('--help') || args.includes('-h')) return { exitCode: 0, text: usage }
    const { module, exportName, routePrefix, json, exempt } = argumentsOf(args)
    const controllers = await controllersOf(module, exportName, folder)
    const report = auditCoverage(controllers, { routePrefix, exempt })
    if (report.routes.length === 0) {
      throw new UsageError(
        `The ${controllers.length} class(es) of '${exportName}' have no routes. Name an export with controllers: classes with @JsonController and @Post, @Get, ….`,
      )
    }
    const text = json ? JSON.stringify(report, null, 2) : formatCoverage(report)
    return { exitCode: report.complete ? 0 : 1, text }
  } catch (error) {
    return { exitCode: 2, text: error instanceof UsageError ? error.message : String(error) }
  }
}

interface Arguments {
  readonly module: string
  readonly exportName: string
  readonly routePrefix: string
  readonly json: boolean
  readonly exempt: Readonly<Record<string, string>>
}

function argumentsOf(args: readonly string[]): Arguments {
  const { values, positionals } = parsed(args)
  const [module, exportName = 'controllers', ...rest] = positionals
  if (module === undefined || rest.length > 0) throw new UsageError(`Write: ${usage}`)
  return {
    module,
    exportName,
    routePrefix: values.prefix,
    json: values.json,
    exempt: Object.fromEntries(values.exempt.map(exemptionOf)),
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        prefix: { type: 'string', default: '' },
        json: { type: 'boolean', default: false },
        exempt: { type: 'string', multiple: true, default: [] },
      },
    })
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message.split('. ')[0]}. Write: ${usage}`, { cause })
  }
}

function exemptionOf(text: string): [key: string, reason: string] {
  const [, key, reason] = /^([A-Z-]+ [^=]+)=\s*(\S.*)$/.exec(text) ?? []
  if (key !== undefined && reason !== undefined) return [key, reason]
  throw new UsageError(
    `--exempt '${text}' does not name a route and a reason. Write: --exempt 'POST /token/verify=reads a token, changes nothing'`,
  )
}

async function controllersOf(module: string, exportName: string, folder: string): Promise<ControllerClass[]> {
  const namespace = await imported(module, folder)
  if (!(exportName in namespace)) {
    const names = Object.keys(namespace).filter((name) => name !== 'default')
    throw new UsageError(
      `${module} has no export '${exportName}'. Write: countersign-coverage ${module} <one of: ${names.join(', ') || 'none'}>`,
    )
  }
  const exported = namespace[exportName]
  const classes = typeof exported === 'object' && exported !== null ? Object.values(exported) : []
  if (classes.length > 0 && classes.every((item) => typeof item === 'function')) return classes
  throw new UsageError(
    `The export '${exportName}' of ${module} is no list of classes but ${inspect(exported, { depth: 0 })}. Write: export const ${exportName} = [SessionController]`,
  )
}

async function imported(module: string, folder: string): Promise<Record<string, unknown>> {
  const url = locationOf(module, folder)
  try {
    return (await import(url)) as Record<string, unknown>
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new UsageError(`${module} can't be loaded: ${why}`, { cause })
  }
}

/** A file of the folder, else a package that is installed there. */
function locationOf(module: string, folder: string): string {
  const file = resolve(folder, module)
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return pathToFileURL(file).href
  try {
    return pathToFileURL(createRequire(join(folder, 'package.json')).resolve(module)).href
  } catch (cause) {
    throw new UsageError(
      `There is no file and no installed package '${module}' here. Write the path of the built module: countersign-coverage ./dist/controllers.js`,
      { cause },
    )
  }
}
