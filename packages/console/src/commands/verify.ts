import { type CheckpointAnchor, type NoteVerifier, noteVerifier, type VerifyReport } from '@countersign/core/evidence'
import type { Command, CommandIo } from '../command.js'
import { checkpointsOfFile } from '../given-files.js'
import { operatorOf } from '../operator.js'
import { many, Progress } from '../terminal-text.js'
import { verifyFile } from '../verify-file.js'
import { tellReport } from '../verify-report.js'
import type { Words } from '../words.js'

export const verifyCommand: Command = {
  name: 'verify',
  usage: '[bundle.jsonl | proof.json | -] [--key <verifier key>]... [--anchor <file of checkpoints>]...',
  about: 'verifies the log, or a bundle or proof of it; ends with the code of the gravest finding',
  example: 'countersign verify trail.jsonl --key example.org/audit+7b5c11ff+AQ…',
  options: { key: 'texts', anchor: 'texts' },
  words: 1,
  plan(words) {
    const keys = words.texts('key').map((text) => keyOf(text, words))
    const asJson = words.flag('json')
    const readAnchors = async (): Promise<readonly string[]> =>
      (await Promise.all(words.texts('anchor').map(checkpointsOfFile))).flat()
    const path = words.word(0)
    if (path !== undefined) {
      return {
        async runHere(io) {
          const anchors = await readAnchors()
          const report = await shown(io, (onProgress) => verifyFile(path, { keys, anchors, onProgress }))
          return tellReport(report, io, asJson)
        },
      }
    }
    return {
      readInput: readAnchors,
      async runOn(store, io, notes) {
        const operations = store.operations(notes.length > 0 ? [givenAnchor(notes)] : [])
        const known = keys.length > 0 ? { keys } : {}
        const report = await shown(io, (onProgress) => operations.verify(operatorOf(io), { ...known, onProgress }))
        const code = await tellReport(report, io, asJson)
        const own = store.signer?.verifier.text
        if (keys.length === 0 && own !== undefined && !report.pinned && report.keys.length > 0)
          await io.err(`It was held against the key that is set here, ${own}. Another one is given with --key.\n`)
        return code
      },
    }
  },
}

async function shown(
  io: CommandIo,
  verify: (onProgress: (leaves: number) => void) => Promise<VerifyReport>,
): Promise<VerifyReport> {
  const progress = new Progress(io)
  const report = await verify((leaves) => progress.show(many(leaves, 'leaf', 'leaves')))
  progress.end()
  return report
}

function keyOf(text: string, words: Words): NoteVerifier {
  try {
    return noteVerifier(text)
  } catch {
    return words.refuse(`--key '${text}' is no verifier key: it has the form '<name>+<id>+<base64>'.`)
  }
}

function givenAnchor(notes: readonly string[]): CheckpointAnchor {
  return { name: 'given', publish: () => Promise.reject(new Error('It is read only.')), read: async () => notes }
}
