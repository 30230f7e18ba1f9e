import { currentAttempt, currentFlow, Throttled } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import type { Mails } from '../mails/mails.js'
import { twoFactorMails } from './two-factor-mails.js'
import { notEnabled } from './two-factor-refusals.js'
import type { CodeFailures } from './two-factor-settings.js'

/** What {@link CodeBudget} works with. */
export interface CodeBudgetParts {
  readonly orm: MikroORM
  readonly mails: Mails
  readonly rules: CodeFailures
}

/** An account, as far as it is counted for and told. */
export interface CountedAccount {
  readonly id: string
  readonly email: string
}

/** What is counted of an account, the code that is about to be tried included. */
interface Claim {
  readonly failures: number
  readonly failures_in_a_row: number
}

/**
 * How many wrong codes an account may have, whatever login they come from. Who has no password
 * of the account gets no code tried, and so can't use it up. Counted in the database, always.
 */
export class CodeBudget {
  readonly #parts: CodeBudgetParts

  constructor(parts: CodeBudgetParts) {
    this.#parts = parts
  }

  /**
   * Counts a code before it is looked at, by one statement, so that no number of parallel guesses gets
   * more than there are.
   *
   * @throws Throttled while the account is locked, AuthRefusal where it has no second factor
   */
  async claim(userId: string): Promise<Claim> {
    const { most, seconds, inARow } = this.#parts.rules
    const counted = 'case when failures_until > now() then failures + 1 else 1 end'
    const [claim] = await this.#run<Claim>(
      `update auth_second_factor set
         failures = ${counted},
         failures_until = case when failures_until > now() and ${counted} < ? then failures_until
                          else now() + make_interval(secs => ?) end,
         failures_in_a_row = failures_in_a_row + 1
       where user_id = ? and enabled_at is not null and failures_in_a_row < ?
         and (failures_until is null or failures_until <= now() or failures < ?)
       returning failures, failures_in_a_row`,
      [most, seconds, userId, inARow, most],
    )
    if (claim) return claim
    throw await this.#refusal(userId)
  }

  /** A right code ends the count. */
  async clear(userId: string): Promise<void> {
    await this.#run(
      `update auth_second_factor set failures = 0, failures_until = null, failures_in_a_row = 0 where user_id = ?`,
      [userId],
    )
  }

  /** The claimed code was wrong. If it was the last one that is allowed, the owner is told, and it is recorded. */
  async fail({ id, email }: CountedAccount, claim: Claim): Promise<void> {
    const { orm, mails, rules } = this.#parts
    const forGood = claim.failures_in_a_row === rules.inARow
    if (claim.failures !== rules.most && !forGood) return
    const mail = twoFactorMails.locked(mails, forGood ? null : Math.ceil(rules.seconds / 60))
    await orm.em.fork().transactional(async (em) => mails.post(em, email, mail))
    const until = new Date(Date.now() + rules.seconds * 1000).toISOString()
    await currentFlow()?.trail?.record('lockout_start', {
      subject: { type: 'user', id },
      details: { by: 'second_factor', ...(forGood ? {} : { until }) },
    })
  }

  async #refusal(userId: string): Promise<Error> {
    const { most, inARow, seconds } = this.#parts.rules
    const [found] = await this.#run<{ wait: number; failures_in_a_row: number }>(
      `select failures_in_a_row, ceil(extract(epoch from failures_until - now()))::int as wait
       from auth_second_factor where user_id = ? and enabled_at is not null`,
      [userId],
    )
    if (!found) return notEnabled()
    const isForGood = found.failures_in_a_row >= inARow
    return locked(isForGood ? inARow : most, isForGood ? seconds : Math.max(1, found.wait))
  }

  async #run<Row>(statement: string, parameters: unknown[]): Promise<Row[]> {
    return (this.#parts.orm.em.fork() as SqlEntityManager).execute<Row[]>(statement, parameters)
  }
}

function locked(limit: number, retryAfter: number): Throttled {
  const hit = { scope: 'second_factor', by: 'failures', limit, retryAfter } as const
  for (const attempt of currentFlow()?.call?.attempts ?? []) attempt.throttling = hit
  currentAttempt().reason('locked')
  return new Throttled(hit)
}
