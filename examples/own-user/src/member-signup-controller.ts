import { type AuthServices, SignupController, SignupRequest } from '@countersign/auth'
import { Length, Matches } from 'class-validator'
import { Body, HttpCode, JsonController, Post } from 'routing-controllers'
import { Members } from './members.js'

/** What is signed up with: what it always is, and a nickname. */
export class MemberSignupRequest extends SignupRequest {
  @Length(1, 50)
  @Matches(/^[\p{L}\p{N} ]+$/u)
  nickname!: string
}

/** POST `signup`, in the place of the one that it extends: throttled and recorded like that, which a subclass inherits. */
@JsonController('/api/auth/signup')
export class MemberSignupController extends SignupController {
  static override readonly className: string = 'MemberSignupController'
  readonly #members: Members

  constructor(services: AuthServices) {
    super(services)
    this.#members = new Members(services.orm)
  }

  @HttpCode(202)
  @Post()
  override async post(@Body() body: MemberSignupRequest) {
    const answer = await super.post(body)
    await this.#members.name(body.email, body.nickname)
    return answer
  }
}
