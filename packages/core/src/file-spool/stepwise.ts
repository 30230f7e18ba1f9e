import { setImmediate } from 'node:timers/promises'

/** Work that may be left alone, for a moment, after each step. */
export type Stepwise<Result> = Generator<void, Result>

export function atOnce<Result>(steps: Stepwise<Result>): Result {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** Lets the process do other things between the steps. */
export async function betweenOthers<Result>(steps: Stepwise<Result>): Promise<Result> {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    await setImmediate()
  }
}
