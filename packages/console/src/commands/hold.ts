import type { LegalHold } from '@countersign/adapters/mikro-orm'
import type { Command } from '../command.js'
import { operatorOf } from '../operator.js'
import { jsonLine, moment, printable } from '../terminal-text.js'

export const holdPlaceCommand: Command = {
  name: 'hold place',
  usage: '--label <why> --from <date> --to <date>',
  about: 'keeps the rows of these months from erasure and from being taken away',
  example: "countersign hold place --label 'case 4711' --from 2026-01 --to 2026-04",
  options: { label: 'text', from: 'text', to: 'text' },
  words: 0,
  plan(words) {
    const hold = { label: words.needed('label'), from: words.neededDate('from'), to: words.neededDate('to') }
    if (hold.from.getTime() >= hold.to.getTime()) words.refuse('--to must be later than --from.')
    return {
      async runOn(store, io) {
        const placed = await store.operations().placeHold(operatorOf(io), hold)
        await io.out(words.flag('json') ? jsonLine(placed) : lineOf(placed))
        return 0
      },
    }
  },
}

export const holdReleaseCommand: Command = {
  name: 'hold release',
  usage: '<id>',
  about: 'ends a legal hold',
  example: 'countersign hold release 0190163d-8694-739b-aea5-966c26f8ad91',
  options: {},
  words: 1,
  plan(words) {
    const id = words.neededWord(0, 'The id of a hold (countersign hold list)')
    return {
      async runOn(store, io) {
        const released = await store.operations().releaseHold(operatorOf(io), id)
        await io.out(words.flag('json') ? jsonLine(released) : lineOf(released))
        return 0
      },
    }
  },
}

export const holdListCommand: Command = {
  name: 'hold list',
  usage: '',
  about: 'lists the legal holds, those that were released as well',
  example: 'countersign hold list',
  options: {},
  words: 0,
  plan: (words) => ({
    async runOn(store, io) {
      const holds = await store.operations().holds()
      if (words.flag('json')) await io.out(jsonLine(holds))
      else for (const hold of holds) await io.out(lineOf(hold))
      return 0
    },
  }),
}

function lineOf({ id, label, from, to, placedBy, placedAt, releasedBy, releasedAt }: LegalHold): string {
  const placed = `placed by ${placedBy} at ${placedAt.toISOString()}`
  const released = releasedAt ? `, released by ${releasedBy} at ${releasedAt.toISOString()}` : ''
  return `${printable(`${id}  ${moment(from)} to ${moment(to)}  ${label}  (${placed}${released})`)}\n`
}
