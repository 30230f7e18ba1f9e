import { readFileSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { forChanging, forReading, isForeign } from './regular-file.js'
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
  if (isForeign(path)) return null
  try {
    const line = readFileSync(path, { flag: forReading })
    const text = provenText(line.subarray(0, line.indexOf('\n')))
    const position = text === null ? null : (JSON.parse(text) as Position)
    return position && isCount(position.segment) && isCount(position.offset) ? position : null
  } catch {
    return null
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** The first position. The file is made now, so that a full disk has room for every later one. */
export function beginPosition(path: string): void {
  writeFileSync(path, textOf({ segment: 0, offset: 0 }), { mode: 0o600 })
}

/** One write in place, so that a killed process leaves the old position or the new one. */
export async function writePosition(path: string, position: Position): Promise<void> {
  const file = await open(path, forChanging)
  try {
    await file.write(textOf(position), 0)
  } finally {
    await file.close()
  }
}

function textOf({ segment, offset }: Position): string {
  return `${withChecksum(JSON.stringify({ segment, offset }))}\n`
}
