import { SafeText } from '../web/body-rules.js'

/** The body of POST `change-email`. */
export class EmailChangeRequest {
  @SafeText(320) new_email!: string
  @SafeText(1024) password!: string
}
