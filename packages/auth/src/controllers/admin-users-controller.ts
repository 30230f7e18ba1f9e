import { isRowId } from '@countersign/core'
import { AuditEvent, Throttle } from '@countersign/mixins'
import type { Request } from 'express'
import { Authorized, Get, HttpCode, JsonController, Param, Post, QueryParams, Req } from 'routing-controllers'
import { UsersQuery } from '../admin/admin-bodies.js'
import type { AuthServices } from '../auth-services.js'
import { currentUser, principalOf } from '../sessions/principals.js'
import type { User } from '../store/entities.js'
import { AuthRefusal } from '../web/auth-refusal.js'
import { listPage } from '../web/page-query.js'

/** `/api/auth/admin/users`: accounts, for administrators. Reading is recorded as well, and no answer has a secret. */
@JsonController('/api/auth/admin/users')
export class AdminUsersController {
  static readonly className: string = 'AdminUsersController'
  static readonly actor = currentUser
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @AuditEvent('admin_action', { details: () => ({ action: 'user_list' }) })
  @Throttle('admin_read')
  @Authorized('admin')
  @Get()
  async find(@QueryParams() query: UsersQuery) {
    const { search, disabled, verified, admin } = query
    const filters = { search, disabled: isTrue(disabled), verified: isTrue(verified), admin: isTrue(admin) }
    return listPage(query, (part) => this.#services.userDirectory.find(filters, part), userJson)
  }

  @AuditEvent('admin_action', acts('user_read'))
  @Throttle('admin_read')
  @Authorized('admin')
  @Get('/:id')
  async get(@Param('id') id: string) {
    const { userDirectory, factors } = this.#services
    const user = await userDirectory.get(id)
    return { ...userJson(user), has_two_factor: await factors.isOn(user.id) }
  }

  @AuditEvent('admin_action', acts('user_disable'))
  @Throttle('admin_write')
  @Authorized('admin')
  @HttpCode(200)
  @Post('/:id/disable')
  async disable(@Param('id') id: string) {
    return userJson(await this.#services.userAdministration.disable(id))
  }

  @AuditEvent('admin_action', acts('user_enable'))
  @Throttle('admin_write')
  @Authorized('admin')
  @HttpCode(200)
  @Post('/:id/enable')
  async enable(@Param('id') id: string) {
    return userJson(await this.#services.userAdministration.enable(id))
  }

  @AuditEvent('admin_action', acts('user_unlock'))
  @Throttle('admin_write')
  @Authorized('admin')
  @HttpCode(200)
  @Post('/:id/unlock')
  async unlock(@Param('id') id: string) {
    const user = await this.#services.userDirectory.get(id)
    await this.#services.lockouts.lift(user, 'admin')
    return userJson(user)
  }

  @AuditEvent('admin_action', acts('user_logout'))
  @Throttle('admin_write')
  @Authorized('admin')
  @HttpCode(200)
  @Post('/:id/logout')
  async logOut(@Param('id') id: string) {
    return userJson(await this.#services.userAdministration.logOut(id))
  }

  @AuditEvent('admin_action', acts('user_two_factor_reset'))
  @Throttle('admin_write')
  @Authorized('admin')
  @HttpCode(200)
  @Post('/:id/two-factor-reset')
  async resetTwoFactor(@Param('id') id: string, @Req() request: Request) {
    const { userDirectory, twoFactor } = this.#services
    // Whoever found an open session must not get rid of the second factor that protects its account.
    if (principalOf(request).userId === id.toLowerCase())
      throw new AuthRefusal(403, 'forbidden', { detail: 'Switch your own off with your password and a code.' })
    await twoFactor.reset((await userDirectory.get(id)).id)
    return userJson(await userDirectory.get(id))
  }

  @AuditEvent('admin_action', acts('user_password_reset'))
  @Throttle('admin_write')
  @Authorized('admin')
  @HttpCode(200)
  @Post('/:id/password-reset')
  async resetPassword(@Param('id') id: string) {
    return userJson(await this.#services.userAdministration.requestPasswordReset(id))
  }
}

/** What an action on one account says of itself: what it was, and whom it concerned. */
function acts(action: string) {
  return {
    details: () => ({ action }),
    subject: (id: unknown) => (isRowId(id) ? { type: 'user', id } : null),
  }
}

function isTrue(text: 'true' | 'false' | undefined): boolean | undefined {
  return text === undefined ? undefined : text === 'true'
}

/** An account as administrators see it. */
function userJson(user: User) {
  return {
    id: user.id,
    email: user.email,
    username: user.username,
    is_admin: user.isAdmin,
    has_password: Boolean(user.passwordHash),
    created_at: user.createdAt,
    verified_at: user.verifiedAt,
    disabled_at: user.disabledAt,
    last_login_at: user.lastLoginAt,
  }
}
