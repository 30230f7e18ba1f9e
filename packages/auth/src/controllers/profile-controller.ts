import { Throttle, withProfileUpdateAudit } from '@countersign/mixins'
import type { Request } from 'express'
import { Authorized, Body, Get, JsonController, Patch, Put, QueryParams, Req } from 'routing-controllers'
import type { AuthServices } from '../auth-services.js'
import { ProfileRequest } from '../profiles/profile-bodies.js'
import type { Consent, Profile } from '../profiles/profile-entities.js'
import { emptyProfile, type ProfileFields } from '../profiles/profiles.js'
import { currentUser, principalOf } from '../sessions/principals.js'
import type { Principal } from '../sessions/sessions.js'
import { ListQuery, listPage } from '../web/page-query.js'

@JsonController('/api/auth/profile')
class OwnProfile {
  readonly #services: AuthServices

  constructor(services: AuthServices) {
    this.#services = services
  }

  @Authorized()
  @Get()
  async get(@Req() request: Request) {
    const principal = principalOf(request)
    return this.#json(principal, await this.#services.profiles.of(principal.userId))
  }

  @Throttle('profile', { identifier: (request: Request) => principalOf(request).userId })
  @Authorized()
  @Put()
  async put(@Req() request: Request, @Body() body: ProfileRequest) {
    return this.#change(request, { ...emptyProfile, ...fieldsOf(body) })
  }

  @Throttle('profile', { identifier: (request: Request) => principalOf(request).userId })
  @Authorized()
  @Patch()
  async patch(@Req() request: Request, @Body() body: ProfileRequest) {
    return this.#change(request, fieldsOf(body))
  }

  @Authorized()
  @Get('/consents')
  async consents(@Req() request: Request, @QueryParams() query: ListQuery) {
    const { userId } = principalOf(request)
    return listPage(query, (part) => this.#services.profiles.consents(userId, part), consentJson)
  }

  async #change(request: Request, changes: Partial<ProfileFields>) {
    const principal = principalOf(request)
    return this.#json(principal, await this.#services.profiles.change(principal, changes))
  }

  async #json(principal: Principal, profile: Profile) {
    return {
      two_factor: await this.#services.factors.isOn(principal.userId),
      ...profileJson(principal, profile),
    }
  }
}

/** `profile`: PATCH changes what it has, PUT also empties what it lacks; GET `profile/consents` tells what was agreed to. */
export class ProfileController extends withProfileUpdateAudit(withProfileUpdateAudit(OwnProfile), { method: 'put' }) {
  static readonly className: string = 'ProfileController'
  static readonly actor = currentUser
}

function fieldsOf(body: ProfileRequest): Partial<ProfileFields> {
  const { first_name, last_name, bio, location, marketing_consent } = body
  const fields = { firstName: first_name, lastName: last_name, bio, location, marketingConsent: marketing_consent }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function profileJson({ email, isAdmin }: Principal, profile: Profile) {
  return {
    user_id: profile.userId,
    email,
    is_admin: isAdmin,
    first_name: profile.firstName,
    last_name: profile.lastName,
    bio: profile.bio,
    location: profile.location,
    marketing_consent: profile.marketingConsent,
    marketing_consent_updated_at: profile.marketingConsentUpdatedAt,
    created_at: profile.createdAt,
    updated_at: profile.updatedAt,
  }
}

function consentJson({ id, purpose, given, version, decidedAt }: Consent) {
  return { id, purpose, given, version, decided_at: decidedAt }
}
