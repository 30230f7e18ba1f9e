import type { User } from '../store/entities.js'

/** An account as its owner sees it. */
export function publicUser(user: User): Record<string, unknown> {
  return {
    id: user.id,
    email: user.email,
    ...(user.username ? { username: user.username } : {}),
    is_admin: user.isAdmin,
    has_password: Boolean(user.passwordHash),
    created_at: user.createdAt,
  }
}
