import type { PrunedMonth, StoredMonth } from '@countersign/adapters/mikro-orm'
import { timeOfRowId } from '@countersign/core'
import type { Command } from '../command.js'
import { operatorOf } from '../operator.js'
import { jsonLine, many, moment, printable } from '../terminal-text.js'

export const pruneCommand: Command = {
  name: 'prune',
  usage: '--before <date> [--archive]',
  about: 'takes away the months that ended before a date, for good, or into tables of their own; their leaves stay',
  example: 'countersign prune --before 2025-01-01 --archive',
  options: { before: 'text', archive: 'flag' },
  words: 0,
  plan(words) {
    const before = words.pastDate('before')
    const disposal = words.flag('archive') ? 'archive' : 'drop'
    return {
      async runOn(store, io) {
        const months = await store.operations().prune(operatorOf(io), before, disposal)
        if (words.flag('json')) await io.out(jsonLine(months))
        else {
          for (const month of months) await io.out(`${printable(lineOf(month))}\n`)
          if (months.length === 0) await io.err('No month ended before that.\n')
        }
        return months.some(({ kept }) => kept === 'busy' || kept === 'unsequenced') ? 1 : 0
      },
    }
  },
}

const whyKept: Readonly<Record<NonNullable<PrunedMonth['kept']>, string>> = {
  held: 'stays: a legal hold keeps it',
  unsequenced: 'stays: some of its rows have no leaf yet; try again when the sequencer has run',
  busy: 'stays: the sequencer was at work; try again',
}

function lineOf({ partition, rows, kept }: PrunedMonth): string {
  return `${partition}: ${kept ? whyKept[kept] : `${many(rows, 'row')} taken away`}`
}

export const monthsCommand: Command = {
  name: 'months',
  usage: '',
  about: 'lists the months of rows that the store has, and the legal holds that keep them',
  example: 'countersign months',
  options: {},
  words: 0,
  plan: (words) => ({
    async runOn(store, io) {
      const months = (await store.operations().months()).map(datedMonth)
      if (words.flag('json')) await io.out(jsonLine(months))
      else
        for (const { partition, from, to, holds } of months) {
          const held = holds.length > 0 ? `  held: ${holds.join(', ')}` : ''
          await io.out(`${printable(`${moment(new Date(from))} to ${moment(new Date(to))}  ${partition}${held}`)}\n`)
        }
      return 0
    },
  }),
}

function datedMonth({ partition, from, to, holds }: StoredMonth) {
  const at = (id: string): string => new Date(timeOfRowId(id)).toISOString()
  return { partition, from: at(from), to: at(to), holds }
}
