import type { AuthServices } from './auth-services.js'

type ControllerClass = abstract new (services: AuthServices) => object

/**
 * The controller with its services: a class of its own per server, so that two servers in one
 * process share nothing and no container is needed.
 */
export function provided<Controller extends ControllerClass & { readonly className: string }>(
  Controller: Controller,
  services: AuthServices,
): new () => object {
  const Base = Controller as unknown as new (services: AuthServices) => object
  class Provided extends Base {
    static readonly className = Controller.className
    constructor() {
      super(services)
    }
  }
  Object.defineProperty(Provided, 'name', { value: Controller.name })
  return Provided
}
