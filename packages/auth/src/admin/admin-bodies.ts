import { IsIn } from 'class-validator'
import { Optional, SafeText } from '../web/body-rules.js'
import { ListQuery } from '../web/page-query.js'

const yesOrNo = ['true', 'false'] as const
type YesOrNo = (typeof yesOrNo)[number]

/** Which accounts; what is given is joined by "and". */
export class UsersQuery extends ListQuery {
  /** What the e-mail address or the user name begins with; nothing in it is a wildcard. */
  @Optional() @SafeText(320) search?: string
  @Optional() @IsIn(yesOrNo) disabled?: YesOrNo
  @Optional() @IsIn(yesOrNo) verified?: YesOrNo
  @Optional() @IsIn(yesOrNo) admin?: YesOrNo
}
