import { AuditedCall, type Ending, runInFlow } from '@countersign/core'
import { type AnyClass, factsOfClass, hooksOfMethod } from '@countersign/mixins'
import type { Recording } from './recording.js'

/** An error as handlers throw it: with a status and a machine-readable reason. */
export class Refusal extends Error {
  constructor(
    readonly httpCode: number,
    readonly reason: string,
  ) {
    super(reason)
  }
}

export type Handler = (...args: any[]) => Promise<unknown>

/** A class whose `post` is what the test says. */
export function handling(post: Handler): new () => { post(...args: any[]): Promise<unknown> } {
  class Plain {
    async post(...args: any[]): Promise<unknown> {
      return post(...args)
    }
  }
  return Plain
}

/** A class whose `post` calls that of the next object. */
export class Chained {
  next: Chained | undefined
  async post(): Promise<unknown> {
    return this.next?.post()
  }
}

/** The concrete controller on top of a mixed class, with all that a controller must say. */
export function finished<Base extends abstract new (...args: any[]) => object>(
  Base: Base,
  { trail }: Pick<Recording, 'trail'>,
): new (
  ...args: any[]
) => InstanceType<Base> {
  class Finished extends (Base as unknown as new (...args: any[]) => object) {
    static readonly className = 'Finished'
    static readonly actor = (): null => null
    static readonly trail = trail
  }
  return Finished as unknown as new (
    ...args: any[]
  ) => InstanceType<Base>
}

/**
 * Calls a method as an adapter does: the attempts are open before the handler is reached, and
 * close when the response is known. With `reached: false` the handler is not.
 */
export async function served(
  controller: object,
  method: string,
  args: unknown[],
  { trail }: Pick<Recording, 'trail'>,
  ending: Ending = {},
): Promise<void> {
  const facts = factsOfClass(controller.constructor as AnyClass, controller)
  const call = new AuditedCall(trail, {}, facts, method, undefined, true)
  for (const { event } of hooksOfMethod(facts.controller, method).hooks) call.open(event)
  if (ending.reached !== false) {
    await runInFlow({ context: {}, trail, call }, () =>
      (controller as Record<string, Handler>)[method]?.(...args).catch(() => undefined),
    )
  }
  await call.close({ ...ending, ...(call.error === undefined ? {} : { error: call.error }) })
}

/** Puts a method decorator on a class that is there already. */
export function decorate(target: AnyClass, method: string, ...decorators: MethodDecorator[]): void {
  const { prototype } = target
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method) as PropertyDescriptor
  for (const decorator of decorators.toReversed()) decorator(prototype, method, descriptor)
  Object.defineProperty(prototype, method, descriptor)
}
