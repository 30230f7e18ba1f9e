import { exitCodeOf, type Finding, type VerifyReport } from '@countersign/core/evidence'
import type { CommandIo } from './command.js'
import { jsonLine, many, printable } from './terminal-text.js'

/** Writes what a verification found; returns the code to end with. */
export async function tellReport(report: VerifyReport, io: CommandIo, asJson: boolean): Promise<number> {
  const text = asJson
    ? jsonLine(report)
    : [...report.findings.map(lineAbout), verdict(report)].map((line) => `${printable(line)}\n`).join('')
  await io.out(text)
  return exitCodeOf(report.counts)
}

function lineAbout({ kind, message, leaf, rowId, checkpoint }: Finding): string {
  const where = [
    ...(leaf === undefined ? [] : [`leaf ${leaf}`]),
    ...(rowId === undefined ? [] : [`row ${rowId}`]),
    ...(checkpoint === undefined ? [] : [`checkpoint of ${checkpoint}`]),
  ]
  return [kind, ...where, message].join(': ')
}

function verdict(report: VerifyReport): string {
  const { sound, counts, leaves, checkpoint, lawfullyErased, lawfullyRemoved, anchors } = report
  const found = Object.entries(counts).map(([kind, count]) => `${count.toLocaleString('en')} ${kind}`)
  const said = [
    ...found,
    many(leaves, 'leaf', 'leaves'),
    checkpoint ? `checkpoint of ${checkpoint.size.toLocaleString('en')}` : 'no checkpoint',
    ...(lawfullyErased > 0 ? [`${many(lawfullyErased, 'row')} erased with receipt`] : []),
    ...(lawfullyRemoved > 0 ? [`${many(lawfullyRemoved, 'row')} taken away with receipt`] : []),
    ...(anchors > 0 ? [`${many(anchors, 'anchor')} confirmed`] : []),
  ]
  return `${sound ? 'sound' : 'NOT SOUND'}: ${said.join(', ')}; ${keyOf(report)}`
}

function keyOf({ keys, pinned }: VerifyReport): string {
  const last = keys.at(-1)
  if (last === undefined) return 'no key'
  return `key ${last} (${pinned ? 'pinned' : 'not pinned: compare it with one you know, or give that with --key'})`
}
