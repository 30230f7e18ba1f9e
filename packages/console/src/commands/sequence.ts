import { once } from 'node:events'
import type { Degradation } from '@countersign/core'
import type { Command, CommandIo } from '../command.js'
import { jsonLine, many, printable } from '../terminal-text.js'

export const sequenceCommand: Command = {
  name: 'sequence',
  usage: '[--once]',
  about:
    'gives rows their leaves, signs checkpoints and does what servers were asked for, until it is stopped; --once: gives the rows that are there their leaves',
  example: 'countersign sequence --once',
  options: { once: 'flag' },
  words: 0,
  plan(words) {
    const asJson = words.flag('json')
    return {
      isServersWork: true,
      async runOn(store, io) {
        let leaves = 0
        const sequencer = store.sequencer({
          onRound(added) {
            leaves += added
          },
        })
        if (words.flag('once')) await sequencer.catchUp()
        else {
          sequencer.watch(changesTo(io))
          sequencer.start()
          await store.jobs().start()
          await io.err('Rows get their leaves from now on, until this process is stopped.\n')
          await stopped(io.signal)
          await sequencer.stop()
        }
        await io.out(asJson ? jsonLine({ leaves }) : `${many(leaves, 'leaf', 'leaves')} added.\n`)
        return 0
      },
    }
  },
}

/** Says that it can't work, once for each reason, and that it can again. */
function changesTo(io: CommandIo): (degradation: Degradation) => void {
  let said = ''
  return ({ degraded, cause }) => {
    const message = degraded ? `No row gets its leaf: ${cause instanceof Error ? cause.message : cause}` : ''
    if (message === said) return
    said = message
    io.err(`${printable(message || 'Rows get their leaves again.')}\n`).catch(() => undefined)
  }
}

/** The sequencer's own timer does not keep the process. */
async function stopped(signal: AbortSignal): Promise<void> {
  const alive = setInterval(() => undefined, 60_000)
  if (!signal.aborted) await once(signal, 'abort')
  clearInterval(alive)
}
