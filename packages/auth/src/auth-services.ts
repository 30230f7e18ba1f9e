import type { AuditReader, AuditTrail } from '@countersign/core'
import type { Response } from 'express'
import type { Accounts } from './accounts.js'
import type { User } from './entities.js'
import type { PasswordResets } from './password-resets.js'
import type { OpenedSession, Sessions } from './sessions.js'

/** Puts the access token where scripts can't read it, and takes it away again. */
export interface SessionCookies {
  set(response: Response, session: OpenedSession): void
  clear(response: Response): void
}

/** What the controllers call. */
export interface AuthServices {
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly passwordResets: PasswordResets
  readonly cookies: SessionCookies
  readonly trail: AuditTrail
  readonly reader: AuditReader
}

/** An account as its owner sees it. */
export function publicUser(user: User): Record<string, unknown> {
  return { id: user.id, email: user.email, is_admin: user.isAdmin, created_at: user.createdAt }
}

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
