import type { AnyClass } from '@countersign/mixins'
import { getMetadataArgsStorage } from 'routing-controllers'
import type { FrameworkRequest } from './framework.js'
import { type BodyParserOptions, guardJson } from './json-body.js'
import { guardFiles } from './multipart.js'
import type { Problem } from './problem.js'

/** What an action takes as its body. */
export interface ActionBody {
  /** The problem with a request's body, as far as can be told before it is read. */
  refusalOf(request: FrameworkRequest): Problem | undefined
  /** How body-parser reads declared JSON, for a driver that does not read it in the route. */
  readonly json?: BodyParserOptions
}

/** A parameter of an action, as routing-controllers knows it. */
export type Param = ReturnType<typeof getMetadataArgsStorage>['params'][number]

/** Guards the body of an action that declares one: the files of a form ({@link guardFiles}), or JSON ({@link guardJson}). */
export function guardBody(controller: AnyClass, method: string): ActionBody | undefined {
  const storage = getMetadataArgsStorage()
  const params = storage.params.filter((param) => param.object === controller.prototype && param.method === method)
  const files = params.filter(({ type }) => type === 'file' || type === 'files')
  // With files, the fields of the form are the body.
  if (files.length > 0) return guardFiles(files)
  const isJson = storage.controllers.find(({ target }) => (target as unknown) === controller)?.type === 'json'
  const body = params.find(({ type }) => type === 'body')
  const hasBody = body !== undefined || params.some(({ type }) => type === 'body-param')
  return isJson && hasBody ? guardJson(controller, method, body) : undefined
}
