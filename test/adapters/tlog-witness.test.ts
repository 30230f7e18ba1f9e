import { readFileSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { cosignersOf, tlogWitness } from '@countersign/adapters/tlog-witness'
import { newSigningKey, noteSigner } from '@countersign/core/evidence'
import { describe, expect, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'
import { serve } from '../support/serve.js'
import {
  answering,
  failureOf,
  impostor,
  logOf,
  open,
  origin,
  refused,
  signer,
  startAnswering,
  startWitness,
  statusesOf,
} from '../support/witnessed-logs.js'

describe('a witness that sees a log grow', () => {
  it('cosigns every checkpoint at once, from the size that it cosigned last', async () => {
    const witness = await startWitness({ clock: () => 1_700_000_000 })
    const anchor = tlogWitness(witness)
    for (const size of [0, 1, 2, 3, 3, 7, 8, 255, 256, 600, 1025]) {
      await anchor.publish(logOf(size))
      expect(witness.cosigned(origin)).toBe(size)
      const [note = '', ...others] = await anchor.read()
      expect(others).toEqual([])
      expect(note.startsWith(logOf(size).note)).toBe(true)
      const time = new Date('2023-11-14T22:13:20Z')
      expect(cosignersOf(note, [witness.key])).toEqual([{ name: 'witness.example/w1', key: witness.key, time }])
    }
    expect(new Set(statusesOf(witness))).toEqual(new Set([200]))
    expect(witness.exchanges[0]?.body).toBe(`old 0\n\n${logOf(0).note}`)
    expect(witness.exchanges.at(-1)?.body).toMatch(/^old 600\n(?:[\w+/]{43}=\n){2,63}\nexample\.org\/audit\n1025\n/)
  })

  it('tells a client that remembers nothing where to go on', async () => {
    const witness = await startWitness()
    await tlogWitness(witness).publish(logOf(100))
    await tlogWitness(witness).publish(logOf(777))
    await tlogWitness(witness).publish(logOf(777))
    expect(statusesOf(witness)).toEqual([200, 409, 200, 409, 200])
    expect(witness.cosigned(origin)).toBe(777)
  })

  it('and forgot it itself is given all of it anew', async () => {
    const state = join(freshFolder(), 'witness')
    const witness = await startWitness({ state })
    const { seed } = JSON.parse(readFileSync(state, 'utf8')) as { seed: string }
    let current = witness.url
    const relay: RequestListener = async (request, response) => {
      const answer = await fetch(`${current}/add-checkpoint`, {
        method: 'POST',
        body: request,
        duplex: 'half',
      } as never)
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
    }
    const anchor = await startAnswering(relay, { key: witness.key })
    await anchor.publish(logOf(10))
    writeFileSync(`${state}-2`, JSON.stringify({ seed, latest: {} }))
    const emptied = await startWitness({ state: `${state}-2` })
    current = emptied.url
    await anchor.publish(logOf(20))
    expect(statusesOf(emptied)).toEqual([409, 200])
  })

  it('is asked in turn: checkpoints that are published at once are cosigned in their order', async () => {
    const witness = await startWitness()
    const anchor = tlogWitness(witness)
    await Promise.all([5, 6, 9].map((size) => anchor.publish(logOf(size))))
    expect(statusesOf(witness)).toEqual([200, 200, 200])
  })

  it('goes on after a restart, and after a publication that failed', async () => {
    const state = join(freshFolder(), 'witness')
    const first = await startWitness({ state })
    await tlogWitness(first).publish(logOf(4))
    await first.close()
    await failureOf(tlogWitness(first).publish(logOf(5)))
    const second = await startWitness({ state })
    expect(second.key).toBe(first.key)
    await tlogWitness(second).publish(logOf(6))
    expect(statusesOf(second)).toEqual([409, 200])
  })

  it('keeps each of several logs apart', async () => {
    const other = { origin: 'example.org/other', signer: noteSigner(newSigningKey('example.org/other')) }
    const logs = { [origin]: [signer.verifier.text], [other.origin]: [other.signer.verifier.text] }
    const witness = await startWitness({ logs })
    const anchor = tlogWitness(witness)
    await anchor.publish(logOf(9))
    await anchor.publish(logOf(4, 'leaf', other))
    expect(statusesOf(witness)).toEqual([200, 200])
    expect(await anchor.read()).toHaveLength(2)
  })

  it('has what it cosigned kept in a file, which another process reads', async () => {
    const witness = await startWitness()
    const options = { ...witness, file: join(freshFolder(), 'cosigned') }
    const anchor = tlogWitness(options)
    expect(await anchor.read()).toEqual([])
    await anchor.publish(logOf(3))
    await anchor.publish(logOf(5))
    const notes = await tlogWitness(options).read()
    expect(notes.map((note) => note.split('\n')[1])).toEqual(['3', '5'])
    for (const note of notes) expect(cosignersOf(note, [witness.key])).toHaveLength(1)
  })

  it('has failed where the file can’t be written, and is asked again', async () => {
    const witness = await startWitness()
    const anchor = tlogWitness({ ...witness, file: freshFolder() })
    expect(await failureOf(anchor.publish(logOf(3)))).toEqual(refused('ANCHOR_FAILED', /EISDIR/))
    await failureOf(anchor.publish(logOf(3)))
    expect(statusesOf(witness)).toEqual([200, 200])
  })
})

describe('LOG_ROLLED_BACK is said of a log', () => {
  it('that is shorter than what was cosigned, by this process or before it', async () => {
    const witness = await startWitness()
    const anchor = tlogWitness(witness)
    await anchor.publish(logOf(20))
    const shorter = refused('LOG_ROLLED_BACK', /w1 cosigned 20 leaves.*has 19.*rolled back, or another process/)
    expect(await failureOf(anchor.publish(logOf(19)))).toEqual(shorter)
    expect(await failureOf(tlogWitness(witness).publish(logOf(19)))).toEqual(shorter)
    expect(witness.cosigned(origin)).toBe(20)
  })

  it('of the same size and another root', async () => {
    const witness = await startWitness()
    const anchor = tlogWitness(witness)
    await anchor.publish(logOf(20))
    const rewritten = refused('LOG_ROLLED_BACK', /cosigned 20 leaves.*log of 20 does not begin with them \(409\)/)
    expect(await failureOf(anchor.publish(logOf(20, 'other')))).toEqual(rewritten)
    expect(await failureOf(tlogWitness(witness).publish(logOf(20, 'other')))).toEqual(rewritten)
  })

  it('that has grown since it was rewritten', async () => {
    const witness = await startWitness()
    await tlogWitness(witness).publish(logOf(20))
    const error = await failureOf(tlogWitness(witness).publish(logOf(30, 'other')))
    expect(error).toEqual(refused('LOG_ROLLED_BACK', /log of 30 does not begin with them \(422\)/))
    expect((error.cause as Error).message).toContain('the proof does not hold')
    expect(witness.cosigned(origin)).toBe(20)
  })

  it('whose anchor is told of another size than it has, by a witness that answers nothing else', async () => {
    const anchor = await answering(409, '21\n', { 'content-type': 'text/x.tlog.size' })
    expect(await failureOf(anchor.publish(logOf(20)))).toEqual(refused('LOG_ROLLED_BACK', /cosigned 21.*has 20/))
  })
})

describe('a request', () => {
  it('goes below the prefix, whether or not that ends with a slash', async () => {
    const asked: unknown[] = []
    const { url, close } = await serve(({ method, url }, response) => {
      asked.push(`${method} ${url}`)
      response.writeHead(404).end()
    })
    open.push({ close })
    for (const prefix of ['', '/', '/a/b', '/a/b/']) {
      await failureOf(tlogWitness({ url: `${url}${prefix}`, key: impostor.verifierKey }).publish(logOf(1)))
    }
    expect(asked).toEqual(['', '', '/a/b', '/a/b'].map((prefix) => `POST ${prefix}/add-checkpoint`))
  })

  it('has no proof where there is nothing to prove', async () => {
    const anchor = tlogWitness(await startWitness())
    const consistencyProof = () => Promise.reject(new Error('asked for one'))
    await anchor.publish({ ...logOf(3), consistencyProof })
    await anchor.publish({ ...logOf(3), consistencyProof })
    await expect(anchor.publish({ ...logOf(4), consistencyProof })).rejects.toThrow('asked for one')
  })

  it('is made of nothing that is no checkpoint, or one of another log or size', async () => {
    const witness = await startWitness()
    for (const wrong of [{ note: 'no note' }, { size: 4 }, { origin: 'example.org/other' }]) {
      const published = tlogWitness(witness).publish({ ...logOf(3), ...wrong })
      expect(await failureOf(published)).toEqual(refused('ANCHOR_FAILED', /no checkpoint of/))
    }
    expect(witness.exchanges).toEqual([])
  })
})
