import type { AuthServices } from '../auth-services.js'

/** A controller of the reference system, which is made with its services. */
export type AuthControllerClass = (abstract new (services: AuthServices) => object) & { readonly className: string }

/**
 * The controller with its services: a class of its own per server, so that two servers in one
 * process share nothing and no container is needed.
 */
export function provided(Controller: AuthControllerClass, services: AuthServices): new () => object {
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
