import { AuditError } from '@countersign/core'
import { toBase64 } from '@countersign/core/evidence'
import type { Command } from '../command.js'
import { jsonLine, printableLines } from '../terminal-text.js'

export const checkpointCommand: Command = {
  name: 'checkpoint',
  usage: '[--out <file>]',
  about: 'prints the last checkpoint: keep it elsewhere, and give it to verify as an anchor',
  example: 'countersign checkpoint --out 2026-01-31.checkpoint',
  options: { out: 'text' },
  words: 0,
  plan: (words) => ({
    async runOn(store, io) {
      const checkpoint = await store.log().checkpoint()
      if (!checkpoint) {
        throw new AuditError(
          'QUERY_INVALID',
          'The log has no checkpoint yet: its first rows get one as soon as a server, or countersign sequence, runs.',
        )
      }
      const { origin, size, root, note } = checkpoint
      const asJson = words.flag('json')
      await io.out(asJson ? jsonLine({ origin, size, root: toBase64(root), note }) : printableLines(note))
      return 0
    },
  }),
}
