import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** The rows of the first table of a document, or of what follows a heading, without its head, cell by cell. */
export function tableOf(document: string, heading = ''): string[][] {
  const lines = readFileSync(join(root, document), 'utf8').split('\n')
  const begin = heading === '' ? 0 : lines.indexOf(heading)
  const start = lines.findIndex((line, index) => index >= begin && line.startsWith('| ---'))
  const rows = lines.slice(start + 1)
  return rows
    .slice(
      0,
      rows.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

/** A cell without its code marks. */
export const bare = (cell = ''): string => cell.replaceAll('`', '')
