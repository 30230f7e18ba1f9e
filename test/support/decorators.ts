import 'reflect-metadata'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as core from '@countersign/core'
import * as mixins from '@countersign/mixins'
import * as es from '@countersign/mixins/es'
import ts from 'typescript-6'
import type * as decorated from './decorated-controllers.js'

/** The two kinds of decorators that TypeScript compiles. */
export const decoratorKinds = ['legacy', 'ES'] as const
export type DecoratorKind = (typeof decoratorKinds)[number]

/**
 * Compiles a module with one kind of decorators and runs it: what it imports from
 * `@countersign/mixins` are the decorators of that kind, and all else that the package has.
 *
 * @param imported the kind of the decorators, where a mistake is made with them
 */
export function compiledFor<Exports>(kind: DecoratorKind, source: string, imported = kind): Exports {
  const isLegacy = kind === 'legacy'
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.CommonJS,
      experimentalDecorators: isLegacy,
      emitDecoratorMetadata: isLegacy,
    },
  })
  const modules: Record<string, unknown> = {
    '@countersign/core': core,
    '@countersign/mixins': imported === 'legacy' ? mixins : { ...mixins, ...es },
  }
  const exports = {}
  new Function('require', 'exports', outputText)((name: string) => modules[name] ?? {}, exports)
  return exports as Exports
}

/** The controllers of `decorated-controllers.ts`, which is one text for both kinds. */
export function decoratedControllers(kind: DecoratorKind): typeof decorated {
  return compiledFor(kind, readFileSync(join(import.meta.dirname, 'decorated-controllers.ts'), 'utf8'))
}
