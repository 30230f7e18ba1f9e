import { userInfo } from 'node:os'
import type { Actor } from '@countersign/core'
import type { CommandIo } from './command.js'

/** Who is recorded for what a command does. */
export function operatorOf({ user }: CommandIo): Actor {
  return { type: 'service', id: 'countersign-cli', label: user }
}

/** The name of the system's user that this process runs as. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    // In a container a user may have no name.
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
