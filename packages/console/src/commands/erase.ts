import { AuditError, type Subject } from '@countersign/core'
import type { Command, OpenStore } from '../command.js'
import { operatorOf } from '../operator.js'
import { jsonLine, many, Progress, printableLines } from '../terminal-text.js'
import type { Words } from '../words.js'

export const eraseCommand: Command = {
  name: 'erase',
  usage: '--subject <type:id> [--identifier <typed e-mail>]... | --before <date>',
  about: "empties the personal fields of one person's rows, or of all rows before a date, and prints the receipt",
  example: 'countersign erase --subject user:7 --identifier ada@example.org',
  options: { subject: 'text', identifier: 'texts', before: 'text' },
  words: 0,
  plan(words) {
    const identifiers = words.texts('identifier')
    const isByAge = words.text('before') !== undefined
    if (isByAge === (words.text('subject') !== undefined)) words.refuse('Give --subject, or --before.')
    if (isByAge && identifiers.length > 0) words.refuse('--identifier goes with --subject.')
    const asked = isByAge ? { before: words.pastDate('before') } : { subject: subjectOf(words) }
    return {
      async runOn(store, io) {
        const scope = 'before' in asked ? asked : { ...asked, attempted: hashesOf(store, identifiers) }
        const progress = new Progress(io)
        const erasure = await store
          .operations()
          .erase(operatorOf(io), scope, (done, of) => progress.show(`${done} of ${many(of, 'row')}`))
        progress.end()
        const { id, rows, held, receipt } = erasure
        if (words.flag('json')) await io.out(jsonLine({ id, rows, held, receipt }))
        else {
          await io.out(printableLines(receipt))
          const kept = held > 0 ? ` ${many(held, 'row')} stayed: a legal hold keeps them.` : ''
          await io.err(`Erased the personal fields of ${many(rows, 'row')}.${kept}\n`)
        }
        return 0
      },
    }
  },
}

function subjectOf(words: Words): Subject {
  const [, type, id] = /^([^:]+):(.+)$/.exec(words.needed('subject')) ?? []
  if (type !== undefined && id !== undefined) return { type, id }
  return words.refuse(`--subject '${words.text('subject')}' has not the form type:id, for example user:7.`)
}

function hashesOf({ trail, hasTrailKey }: OpenStore, identifiers: readonly string[]): string[] {
  if (identifiers.length > 0 && !hasTrailKey) {
    throw new AuditError(
      'KEY_INVALID',
      'What was typed is found by its hash, and this process has not the key of it. Set SECRET_KEY as the server has it.',
    )
  }
  return identifiers.map((identifier) => trail.identifierHash(identifier))
}
