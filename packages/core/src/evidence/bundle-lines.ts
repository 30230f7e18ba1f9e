import { type BundleEnd, parseEnd } from './bundle-line.js'
import type { CheckedRecord } from './log-record.js'

/** What a line of a bundle turned out to be; of the last one also where it stands among the bytes. */
export type ReadLine =
  | CheckedRecord
  | { readonly end: BundleEnd; readonly from: number; readonly to: number }
  | { readonly unreadable: true }

export const newline = 0x0a

/** Takes whole lines apart, each by the function. */
export function readLines(bytes: Buffer, read: (text: string) => CheckedRecord | null): ReadLine[] {
  const lines: ReadLine[] = []
  for (let from = 0; from < bytes.length; ) {
    const to = bytes.indexOf(newline, from) + 1
    const text = bytes.toString('utf8', from, to)
    lines.push(read(text) ?? endOf(text, from, to) ?? { unreadable: true })
    from = to
  }
  return lines
}

function endOf(text: string, from: number, to: number): ReadLine | null {
  const end = parseEnd(text)
  return end && { end, from, to }
}
