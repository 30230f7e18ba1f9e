import { setTimeout as wait } from 'node:timers/promises'

// Longer than it takes to write a mail, also on a machine that has other things to do.
const least = 100

/**
 * Does what may end in a mail, and takes as long when it does not: how long an answer takes must
 * not tell who has an account.
 */
export async function inEvenTime(work: () => Promise<void>): Promise<void> {
  const [done] = await Promise.allSettled([work(), wait(least)])
  if (done.status === 'rejected') throw done.reason
}
