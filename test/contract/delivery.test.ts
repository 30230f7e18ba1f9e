import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript-6'
import { expect, it } from 'vitest'
import { root } from '../support/compile.js'
import { tableOf } from '../support/document-tables.js'
import { parse } from '../support/sources.js'

it('docs/delivery.md lists every option of a trail, each once, and no other', () => {
  const options = membersOf('trail-options.ts', 'AuditTrailOptions')
  expect(namesIn('## The options of `createAuditTrail`').sort()).toEqual(options.sort())
})

it('docs/delivery.md lists everything that the health of a trail has, each once, and nothing else', () => {
  const health = [...membersOf('metrics.ts', 'TrailGauges'), ...membersOf('trail-options.ts', 'TrailHealth')]
  expect(namesIn('## How the trail fares').sort()).toEqual(health.sort())
})

/** The names that the first column of a table has as code. */
function namesIn(heading: string): string[] {
  return tableOf('docs/delivery.md', heading).flatMap(([cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
  )
}

function membersOf(file: string, name: string): string[] {
  const tree = parse(file, readFileSync(join(root, 'packages/core/src', file), 'utf8'))
  const found = tree.statements.filter(ts.isInterfaceDeclaration).filter((one) => one.name.text === name)
  return found.flatMap(({ members }) => members.filter(ts.isPropertySignature).map((member) => member.name.getText()))
}
