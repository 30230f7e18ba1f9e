import 'reflect-metadata'
import { runInFlow } from '@countersign/core'
import { enterCall, failed, leaveCall, prepareCall } from './enter-call.js'
import type { AsyncHandler } from './mixin-base.js'

/**
 * The one wrapper that mixins and decorators share: an async function that keeps the name, the
 * length and the metadata of what it wraps.
 */
export function hookedMethod(method: string, template: AsyncHandler, original: () => AsyncHandler): AsyncHandler {
  const hooked = async function (this: object, ...args: unknown[]): Promise<unknown> {
    const entry = enterCall(this, method, hooked)
    if (!entry) return await original().apply(this, args)
    const handle = (): Promise<unknown> => original().apply(this, args)
    const run = (): Promise<unknown> => {
      const counted = prepareCall(entry, args)
      return counted ? counted.then(() => entry.call.run(handle)) : entry.call.run(handle)
    }
    // Not in functions of their own: an awaited one is a promise more, which a rejection has to pass
    // through, and each is a frame in the stack of what the handler throws.
    try {
      const result = await runInFlow(entry.flow, run)
      await leaveCall(entry, { result })
      return result
    } catch (error) {
      await leaveCall(entry, failed(error))
      throw error
    }
  }
  Object.defineProperty(hooked, 'name', { value: template.name, configurable: true })
  Object.defineProperty(hooked, 'length', { value: template.length, configurable: true })
  // Frameworks that key guards by function (Nest) look for them here.
  for (const key of Reflect.getOwnMetadataKeys(template)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, template), hooked)
  }
  return hooked
}
