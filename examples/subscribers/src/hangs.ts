/** A subscriber that never comes back: nobody waits for it, not even the end of the process. */
export function hangs(): Promise<never> {
  return new Promise(() => undefined)
}
