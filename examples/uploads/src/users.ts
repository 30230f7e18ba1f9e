import { createHash } from 'node:crypto'
import { requestOf } from '@countersign/adapters/routing-controllers'
import type { Actor, AuditContext } from '@countersign/core'
import type { Request } from 'express'
import type { Action } from 'routing-controllers'

/** Somebody with a token. */
export interface User {
  readonly id: string
  readonly name: string
}

const key: unique symbol = Symbol('user')

interface SignedRequest extends Request {
  [key]?: User
}

/** Who is asking, once the guard has let the request through. */
export function userOf(request: Request): User | undefined {
  return (request as SignedRequest)[key]
}

/** The `actor` source: the rows of a refused request are those of nobody. */
export function currentUser(context: AuditContext): Actor | null {
  const request = requestOf<Request>(context)
  const user = request && userOf(request)
  return user ? { type: 'user', id: user.id, label: user.name } : null
}

/** What `@Authorized()` asks: a bearer token that is one of these. */
export function tokenChecker(users: ReadonlyMap<string, User>): (action: Action) => boolean {
  // Looked up by its digest, so that the time that it takes tells nothing of a token.
  const byDigest = new Map([...users].map(([token, user]) => [digestOf(token), user]))
  return ({ request }) => {
    const token = /^Bearer (\S+)$/i.exec((request as Request).headers.authorization ?? '')?.[1]
    const user = token === undefined ? undefined : byDigest.get(digestOf(token))
    if (user) (request as SignedRequest)[key] = user
    return user !== undefined
  }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
