import { IsInt, Max, Min } from 'class-validator'
import { Optional, SafeText } from './body-rules.js'

/** Which page of a list. */
export class PageQuery {
  @Optional() @IsInt() @Min(1) @Max(200) limit?: number
  @Optional() @SafeText(64) cursor?: string
}
