import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { provenText, withChecksum } from './spool-record.js'

/** Up to where a writer's rows were replayed. */
export interface Position {
  readonly segment: number
  readonly offset: number
}

/**
 * The position that was written to `path`; null where there is none, or where a power cut left
 * something else: then rows come again, and are known by their ids.
 */
export function readPosition(path: string): Position | null {
  try {
    const line = readFileSync(path)
    const text = provenText(line.subarray(0, line.indexOf('\n')))
    return text === null ? null : (JSON.parse(text) as Position)
  } catch {
    return null
  }
}

/** One write in place, so that a killed process leaves the old position or the new one. */
export async function writePosition(path: string, { segment, offset }: Position): Promise<void> {
  const file = await open(path, 'r+').catch(() => open(path, 'w+', 0o600))
  try {
    await file.write(`${withChecksum(JSON.stringify({ segment, offset }))}\n`, 0)
  } finally {
    await file.close()
  }
}
