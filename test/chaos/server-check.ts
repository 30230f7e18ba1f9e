import { type Attempt, routes } from './server-load.ts'
import type { Stored } from './server-settings.ts'

const joined = 'profile_update success'

/**
 * What is not as it was promised, a sentence each: rows that are missing, doubled or belong to
 * nothing, and success rows and business changes without each other.
 */
export function wrongsIn(attempts: readonly Attempt[], { rows, changes }: Stored): string[] {
  const found = new Map<string, string[]>()
  for (const [id, is] of rows) found.set(id, [...(found.get(id) ?? []), is])
  const changed = new Set(changes)
  const wrongs: string[] = []
  for (const { id, path, status } of attempts) {
    const is = found.get(id) ?? []
    wrongs.push(...wrongsOf(path, status, is).map((wrong) => `${id} ${path} ${status ?? 'unanswered'}: ${wrong}`))
    if (is.includes(joined) !== changed.has(id)) {
      wrongs.push(
        `${id} ${path} ${status ?? 'unanswered'}: ${changed.has(id) ? 'a change without' : 'no change for'} its success row`,
      )
    }
    found.delete(id)
    changed.delete(id)
  }
  for (const [id, is] of found) wrongs.push(`${id}: ${is.join(', ')} of a request that nobody sent`)
  for (const id of changed) wrongs.push(`${id}: a change of a request that nobody sent`)
  return wrongs
}

function wrongsOf(path: string, status: number | null, is: readonly string[]): string[] {
  const promises = routes[path] ?? {}
  const doubled = is.filter((one, at) => is.slice(0, at).some((other) => eventOf(other) === eventOf(one)))
  const wrongs = doubled.map((row) => `doubled: ${row}`)
  if (status === null) {
    const possible = new Set(Object.values(promises).flat())
    return [...wrongs, ...is.filter((row) => !possible.has(row)).map((row) => `not of it: ${row}`)]
  }
  const promised = promises[status]
  if (!promised) return [...wrongs, 'a status that it never has']
  return [
    ...wrongs,
    ...promised.filter((row) => !is.includes(row)).map((row) => `lost: ${row}`),
    ...is.filter((row) => !promised.includes(row)).map((row) => `not promised: ${row}`),
  ]
}

function eventOf(is: string): string {
  return is.slice(0, is.indexOf(' '))
}
