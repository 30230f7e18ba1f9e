import { open, readFile } from 'node:fs/promises'
import { AuditError } from '../audit-error.js'
import type { CheckpointAnchor } from './anchor.js'

// After every note: what a crash tore off is told apart by it, and no note has it in it.
const separator = '\n\u001e\n'

/**
 * Keeps checkpoints in a file that only grows: on another disk, a mount that can't be rewritten, or a share that
 * somebody else owns.
 *
 * @example
 * const anchor = fileAnchor({ path: 'audit.checkpoints' })
 */
export function fileAnchor({ path }: { readonly path: string }): CheckpointAnchor {
  return {
    name: 'file',
    async publish({ note }) {
      const file = await open(path, 'a', 0o600).catch((cause: unknown) => refuse(path, cause))
      try {
        await file.appendFile(`${note}${separator}`)
        await file.sync()
      } catch (cause) {
        refuse(path, cause)
      } finally {
        await file.close()
      }
    },
    async read() {
      const text = await readFile(path, 'utf8').catch((cause: unknown) => {
        if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return ''
        return refuse(path, cause)
      })
      return text.split(separator).slice(0, -1)
    },
  }
}

function refuse(path: string, cause: unknown): never {
  const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
  throw new AuditError('ANCHOR_FAILED', `The file of checkpoints ${path} can't be used (${why}).`, { cause })
}
