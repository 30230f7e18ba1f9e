import { RecentIds } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { expect, it } from 'vitest'

it('finds each row once, until it is remembered', () => {
  const recent = new RecentIds()
  const [a, b] = [sampleRow(), sampleRow()]
  expect(recent.unseen([a, b, a])).toEqual([a, b])
  expect(recent.unseen([a]), 'looking is not remembering').toEqual([a])
  recent.remember([a])
  expect(recent.unseen([a, b])).toEqual([b])
})

it('knows rows by their id alone', () => {
  const recent = new RecentIds()
  const row = sampleRow()
  recent.remember([row])
  expect(recent.unseen([{ ...row, outcome: 'success' }])).toEqual([])
})

it('remembers the last of as many as it may, and forgets what is twice as old', () => {
  const recent = new RecentIds(10)
  const rows = Array.from({ length: 95 }, () => sampleRow())
  for (const row of rows) {
    recent.remember([row])
    const last = rows.slice(Math.max(0, rows.indexOf(row) - 9), rows.indexOf(row) + 1)
    expect(recent.unseen(last)).toEqual([])
  }
  expect(recent.unseen(rows.slice(0, -20))).toEqual(rows.slice(0, -20))
})
