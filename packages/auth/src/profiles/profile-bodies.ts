import { IsBoolean } from 'class-validator'
import { Line, Optional, Prose } from '../web/body-rules.js'

/** The body of PUT and PATCH `profile`. What is not here (an id, a time) is the server's. */
export class ProfileRequest {
  @Optional() @Line(100) first_name?: string
  @Optional() @Line(100) last_name?: string
  @Optional() @Prose(2000) bio?: string
  @Optional() @Line(100) location?: string
  @Optional() @IsBoolean() marketing_consent?: boolean
}
