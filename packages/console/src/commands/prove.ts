import { AuditError, isRowId } from '@countersign/core'
import type { Command } from '../command.js'
import { operatorOf } from '../operator.js'
import { jsonLine } from '../terminal-text.js'

export const proveCommand: Command = {
  name: 'prove',
  usage: '<row id> [--out <file>]',
  about: 'writes the proof that a row is in the log, as JSON that countersign verify reads',
  example: 'countersign prove 0190163d-8694-739b-aea5-966c26f8ad91 --out row.proof.json',
  options: { out: 'text' },
  words: 1,
  plan(words) {
    const id = words.neededWord(0, 'The id of a row')
    if (!isRowId(id)) words.refuse(`'${id}' is no id of a row.`)
    return {
      async runOn(store, io) {
        const proof = await store.log().proof(id)
        const details = { filters: ['id'], returned: proof ? 1 : 0 }
        await store.trail.record('audit_read', { actor: operatorOf(io), details })
        if (!proof) {
          throw new AuditError(
            'QUERY_INVALID',
            `The row ${id} is not in the log, or not yet: a row gets its leaf as soon as a server, or countersign sequence, runs.`,
          )
        }
        await io.out(jsonLine(proof))
        return 0
      },
    }
  },
}
