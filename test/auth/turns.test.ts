import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Turns } from '../../packages/auth/dist/passwords/turns.js'

/** Work that is done when it is said so, and what became of it. */
function crowd(atOnce: number, size: number) {
  const turns = new Turns(atOnce)
  const begun: number[] = []
  const handedOn: Array<number | string> = []
  const pieces = Array.from({ length: size }, (_, number) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const taken = turns.take(() => {
      begun.push(number)
      return promise
    })
    taken.then(
      (result) => handedOn.push(result),
      (cause: Error) => handedOn.push(cause.message),
    )
    return { finish: () => resolve(number), fail: () => reject(new Error(`no ${number}`)) }
  })
  return { begun, handedOn, pieces }
}

const after = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('turns', () => {
  it('are taken by so many at once, and by the others in the order they came', async () => {
    const { begun, pieces } = crowd(2, 5)
    await after(0)
    expect(begun).toEqual([0, 1])
    pieces[1]?.finish()
    await after(0)
    expect(begun).toEqual([0, 1, 2])
    pieces[2]?.fail()
    await after(0)
    expect(begun).toEqual([0, 1, 2, 3])
  })

  it('hand a result on at once where nobody waits', async () => {
    const { handedOn, pieces } = crowd(2, 2)
    pieces[1]?.finish()
    await after(0)
    expect(handedOn).toEqual([1])
  })

  it('hand on together what is done while others wait, a failure like a result', async () => {
    const { handedOn, pieces } = crowd(2, 6)
    pieces[0]?.finish()
    await after(0)
    expect(handedOn).toEqual([])
    pieces[1]?.fail()
    await after(0)
    expect(handedOn).toEqual([0, 'no 1'])
  })

  it('let a result wait for company no longer than a few hashes take', async () => {
    const { handedOn, pieces } = crowd(3, 6)
    pieces[0]?.finish()
    await after(39)
    expect(handedOn).toEqual([])
    await after(1)
    expect(handedOn).toEqual([0])
  })

  it('keep nothing back once nobody waits any more', async () => {
    const { handedOn, pieces } = crowd(3, 4)
    pieces[0]?.finish()
    await Promise.resolve()
    pieces[1]?.finish()
    await after(0)
    expect(handedOn.toSorted()).toEqual([0, 1])
  })
})
