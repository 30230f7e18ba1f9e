import { AuditError } from '@countersign/core'
import { type LogHead, writeBundle } from '@countersign/core/evidence'
import type { Command, OpenStore } from '../command.js'
import { operatorOf } from '../operator.js'
import { printable } from '../terminal-text.js'

export const exportCommand: Command = {
  name: 'export',
  usage: '[--from <date>] [--to <date>] [--out <file>]',
  about: 'writes a bundle of the log, or of the part that holds the rows from one date to before another',
  example: 'countersign export --from 2026-01-01 --to 2026-02-01 --out january.jsonl',
  options: { from: 'text', to: 'text', out: 'text' },
  words: 0,
  plan(words) {
    const [from, to] = [words.date('from'), words.date('to')]
    if (from && to && from.getTime() >= to.getTime()) words.refuse('--to must be later than --from.')
    const isQuiet = words.flag('json')
    return {
      async runOn(store, io) {
        const range = from || to ? await rangeOf(store, from ?? beginning, to ?? end) : undefined
        const source = await store.operations().export(operatorOf(io), range)
        for await (const text of writeBundle(source)) {
          io.signal.throwIfAborted()
          await io.out(text)
        }
        if (!isQuiet) await io.err(`${printable(summary(source.head))}\n`)
        return 0
      },
    }
  },
}

const beginning = new Date(0)
const end = new Date('9999-12-31')

async function rangeOf(store: OpenStore, from: Date, to: Date): Promise<{ from?: number; to?: number }> {
  const range = await store.log().rangeOf(from, to)
  if (range.from !== range.to) return range
  throw new AuditError('QUERY_INVALID', 'The log has no rows of that time: nothing was exported. Ask for another one.')
}

function summary({ origin, from, to }: LogHead): string {
  return `Exported the leaves from ${from} to ${to === null ? 'the end' : to - 1} of ${origin || 'a log that is still empty'}.`
}
