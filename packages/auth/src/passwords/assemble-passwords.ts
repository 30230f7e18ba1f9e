import type { AuditTrail } from '@countersign/core'
import type { AuthSettings } from '../auth-settings.js'
import type { Replacing } from '../extending/service-replacements.js'
import { BreachCheck } from './breach-check.js'
import type { BreachedPasswords } from './breached-passwords.js'
import { Passwords } from './passwords.js'
import { PwnedRanges } from './pwned-ranges.js'

/** What this room is made with. */
export interface PasswordRoomParts {
  readonly trail: AuditTrail
  readonly replaced: Replacing
}

/** Makes what passwords are chosen, hashed and checked with. */
export function assemblePasswords(
  { publicUrl, passwordPolicy, passwordHasher, breachedPasswords: asked }: AuthSettings,
  { trail, replaced }: PasswordRoomParts,
): { passwords: Passwords; breachedPasswords: BreachedPasswords } {
  const breachedPasswords = replaced('breachedPasswords', asked ? new PwnedRanges(asked) : nobodyAsked)
  const { onFailure, timeout } = asked ?? {}
  const breaches = new BreachCheck({ breached: breachedPasswords, trail, onFailure, timeout })
  const passwords = new Passwords({ policy: passwordPolicy, hasher: passwordHasher, publicUrl, breaches })
  return { passwords, breachedPasswords }
}

const nobodyAsked: BreachedPasswords = { includes: async () => false }
