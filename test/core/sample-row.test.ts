import { isRowId, timeOfRowId } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { expect, it } from 'vitest'
import { onlyRow, recording } from '../support/recording.js'

it('has the fields of a row that a trail makes, no more and no less', async () => {
  const recorded = recording()
  await recorded.trail.record('login')
  expect(Object.keys(sampleRow()).sort()).toEqual(Object.keys(onlyRow(recorded)).sort())
})

it('is a new row each time, whose time is that of its id', () => {
  const [one, two] = [sampleRow(), sampleRow()]
  expect(one.id).not.toBe(two.id)
  expect(isRowId(one.id)).toBe(true)
  expect(one.occurredAt.getTime()).toBe(timeOfRowId(one.id))
})

it('takes over what is changed', () => {
  expect(sampleRow({ outcome: 'denied', tenant: null })).toMatchObject({
    outcome: 'denied',
    tenant: null,
    event: 'login',
  })
})
