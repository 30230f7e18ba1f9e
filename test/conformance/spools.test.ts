import { join } from 'node:path'
import { fileSpool } from '@countersign/core/spool'
import { spoolCases } from '@countersign/core/testing'
import { describe, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'

const room = 1024 * 1024

describe('the contract of a spool, kept by fileSpool', () => {
  const folder = join(freshFolder(), 'spool')
  for (const { title, run } of spoolCases((maxBytes = room) => fileSpool({ folder, maxBytes }))) it(title, run)
})

describe('the contract of a spool, kept by fileSpool with a file for every few rows', () => {
  const folder = join(freshFolder(), 'spool')
  const open = (maxBytes = room) => fileSpool({ folder, maxBytes, segmentBytes: 2000 })
  for (const { title, run } of spoolCases(open)) it(title, run)
})
