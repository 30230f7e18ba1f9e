import { memorySink } from '@countersign/core'
import { storeCases } from '@countersign/core/testing'
import { describe, it } from 'vitest'

describe('memory', () => {
  const sink = memorySink()
  for (const { title, run } of storeCases(() => ({ sink, reader: sink }))) it(title, run)
})
