import { type AnyClass, type ControllerFault, nameOf } from '@countersign/mixins'
import 'reflect-metadata'
import { getMetadataArgsStorage } from 'routing-controllers'

const validated: readonly string[] = ['body', 'queries']

/**
 * Handlers whose body or query would be validated by its class, and whose class nobody knows: a
 * compiler that emits no types leaves validation out, and says nothing.
 */
export function untypedBodies(controller: AnyClass): ControllerFault[] {
  const params = getMetadataArgsStorage().params.filter(({ object }) => object === controller.prototype)
  const untyped = params.filter(
    ({ type, method, explicitType }) =>
      validated.includes(type) &&
      explicitType === undefined &&
      Reflect.getMetadata('design:paramtypes', controller.prototype, method) === undefined,
  )
  return untyped.map(({ method, type }) => ({
    code: 'PARAMETERS_LOST',
    message: `${nameOf(controller)}.${method}() takes a ${type === 'body' ? '@Body()' : '@QueryParams()'} of a type that was not compiled in: nothing would be validated. Set "emitDecoratorMetadata": true in tsconfig.json (esbuild and tsx can't), or write ${type === 'body' ? '@Body({ type: LoginRequest })' : '@QueryParams({ type: PageQuery })'}.`,
  }))
}
