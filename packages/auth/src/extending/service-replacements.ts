import type { Secrets } from '@countersign/core/keys'
import type { MikroORM } from '@mikro-orm/core'
import type { AuthServices } from '../auth-services.js'

/** What a service can do, without how it does it: what stands in its place must be able to do the same. */
export type ServiceInterface<Service> = Pick<Service, keyof Service>

/** The services that can be replaced: the trail has options of its own, and the rest is made of it. */
export type ReplaceableServices = Omit<AuthServices, 'orm' | 'trail' | 'reader' | 'audit' | 'sweeper'>

const all: Readonly<Record<keyof ReplaceableServices, true>> = {
  accounts: true,
  sessions: true,
  verificationMails: true,
  passwordResets: true,
  passwordChanges: true,
  breachedPasswords: true,
  profiles: true,
  userDirectory: true,
  userAdministration: true,
  mails: true,
  cookies: true,
  guard: true,
  csrfTokens: true,
  signingKeys: true,
  sessionList: true,
  logins: true,
  factors: true,
  twoFactor: true,
  pendingCookie: true,
  emailChanges: true,
  lockouts: true,
  devices: true,
}

/** The names of those that can be replaced: the compiler sees to it that none is missing. */
export const replaceable: readonly string[] = Object.keys(all)

/** What a service is made with. */
export interface ServiceParts {
  readonly orm: MikroORM
  readonly secrets: Secrets
}

/**
 * Services in the place of ours. Each gets the one that it replaces, to hand on what it does not do itself, and is
 * what all other services work with from then on.
 *
 * @example
 * const services: ServiceReplacements = {
 *   mails: (ours) =>
 *     overriding(ours, { verification: (token) => ({ ...ours.verification(token), subject: 'Welcome' }) }),
 * }
 */
export type ServiceReplacements = {
  readonly [Name in keyof ReplaceableServices]?: (
    ours: AuthServices[Name],
    parts: ServiceParts,
  ) => ServiceInterface<AuthServices[Name]>
}

/** Hands a service on, or what stands in its place. */
export type Replacing = <Name extends keyof ReplaceableServices>(
  name: Name,
  ours: AuthServices[Name],
) => AuthServices[Name]

/** Makes what hands services on. */
export function replacing(replacements: ServiceReplacements = {}, parts: ServiceParts): Replacing {
  return (name, ours) => {
    const replacement = replacements[name]
    // Our own classes have private parts, which nobody but they themselves looks at.
    return replacement ? (replacement(ours, parts) as typeof ours) : ours
  }
}

/** A service with some methods of your own; what you don't have, the other one does. */
export function overriding<Service extends object>(
  ours: Service,
  own: Partial<ServiceInterface<Service>>,
): ServiceInterface<Service> {
  return new Proxy(ours, {
    get(_ours, name) {
      const from: object = Object.hasOwn(own, name) ? own : ours
      const value: unknown = Reflect.get(from, name)
      // Private parts are those of the object that has them, and not of this one.
      return typeof value === 'function' ? value.bind(from) : value
    },
  })
}
