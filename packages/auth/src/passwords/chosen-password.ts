import { AuthRefusal } from '../web/auth-refusal.js'

/** A new password, typed twice. */
export interface TypedTwice {
  readonly password: string
  readonly confirm_password: string
}

/** The password that was typed twice; refused before anything else is looked at. */
export function chosenPassword({ password, confirm_password }: TypedTwice): string {
  if (password === confirm_password) return password
  throw new AuthRefusal(400, 'password_mismatch', { detail: 'The two passwords are not the same.' })
}
