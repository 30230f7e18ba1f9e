/** Refuses an answer that comes later, where it is needed now; what it rejects with is nobody's to catch. */
export function refuseLater(answer: unknown): void {
  if (!isThenable(answer)) return
  Promise.resolve(answer).catch(() => undefined)
  throw new TypeError('It answered with a promise; the answer must be known by now.')
}

/** True for a promise, of whoever's making. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
