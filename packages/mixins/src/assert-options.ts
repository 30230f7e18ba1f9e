import { inspect } from 'node:util'
import { AuditError } from '@countersign/core'

/** Refuses options that are none, as JavaScript and `any` may give them. */
export function assertOptions(options: unknown, by: string, example: string): asserts options is object {
  if (typeof options === 'object' && options !== null) return
  throw new AuditError('SETTING_INVALID', `${by} was given ${inspect(options)} for its options. Write: ${example}`)
}

/** Refuses a name of a method that is none. */
export function assertMethodName(method: unknown, by: string, example: string): asserts method is string {
  if (typeof method === 'string' && method !== '') return
  throw new AuditError('HANDLER_MISSING', `${by} was given ${inspect(method)} for a method to hook. Write: ${example}`)
}
