import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FolderLock, lockFolder } from '@countersign/core'
import { expect, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'

const take = (folder: string): FolderLock =>
  lockFolder({ folder, file: 'taken', refusal: (pid) => new RangeError(`${pid} has it`) })

it('a folder is held by the file that was asked for, and refused with the error that was asked for', () => {
  const folder = freshFolder()
  const lock = take(folder)
  expect(JSON.parse(readFileSync(join(folder, 'taken'), 'utf8'))).toMatchObject({ pid: process.pid })
  expect(() => take(folder)).toThrow(new RangeError(`${process.pid} has it`))
  lock.release()
  expect(readdirSync(folder)).toEqual([])
})

it('two names in one folder are two locks', () => {
  const folder = freshFolder()
  const locks = [take(folder), lockFolder({ folder, file: 'other', refusal: () => new Error('never') })]
  expect(readdirSync(folder).sort()).toEqual(['other', 'taken'])
  for (const lock of locks) lock.release()
})

it('many held folders listen once for the end of the process, and to its end each is given back', () => {
  const before = process.listenerCount('exit')
  const folders = Array.from({ length: 20 }, () => freshFolder())
  const locks = folders.map(take)
  expect(process.listenerCount('exit')).toBe(before + 1)
  const [ending] = process.listeners('exit').slice(-1)
  ending?.call(process, 0)
  expect(folders.filter((folder) => existsSync(join(folder, 'taken')))).toEqual([])
  expect(process.listenerCount('exit')).toBe(before)
  for (const lock of locks) lock.release()
})
