import { readFileSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { cosignersOf, type TlogWitnessOptions, tlogWitness } from '@countersign/adapters/tlog-witness'
import { AuditError, type AuditErrorCode } from '@countersign/core'
import {
  type AnchoredCheckpoint,
  CompactTree,
  consistencyProof,
  type Digest,
  leafHash,
  newSigningKey,
  noteSigner,
  type SubtreeReader,
  signCheckpoint,
} from '@countersign/core/evidence'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.js'
import { freshFolder } from '../support/fresh-folder.js'
import { serve } from '../support/serve.js'
import { WitnessKey, type WitnessOptions, type WitnessServer, witnessServer } from '../support/witness-server.js'
import { conflictResponses, exampleResponse } from '../support/witness-vectors.js'

const origin = 'example.org/audit'
const signer = noteSigner(newSigningKey(origin))
const open: Array<{ close(): Promise<void> }> = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()))
})

/** A log in memory; other `words` make other leaves. */
function logOf(size: number, words = 'leaf', log = { origin, signer }): AnchoredCheckpoint {
  const leaves = Array.from({ length: size }, (_, index) => leafHash(Buffer.from(`${words} ${index}`)))
  const read: SubtreeReader = async ({ level, from, to }) =>
    Array.from({ length: to - from }, (_, at) =>
      rootOf(leaves.slice((from + at) * 2 ** level, (from + at + 1) * 2 ** level)),
    )
  return {
    origin: log.origin,
    size,
    note: signCheckpoint({ origin: log.origin, size, root: rootOf(leaves), previous: null }, log.signer),
    consistencyProof: (first) => consistencyProof(first, size, read),
  }
}

function rootOf(leaves: readonly Digest[]): Digest {
  const tree = new CompactTree()
  for (const leaf of leaves) tree.append(leaf)
  return tree.root()
}

async function startWitness(options: Partial<WitnessOptions> = {}): Promise<WitnessServer> {
  const logs = { [origin]: [signer.verifier.text] }
  const witness = await witnessServer({ state: join(freshFolder(), 'witness'), logs, ...options })
  open.push(witness)
  return witness
}

const impostor = new WitnessKey('witness.example/w1')

/** What answers in the place of a witness, as if it had the impostor's key. */
async function startAnswering(answer: RequestListener, options: Partial<TlogWitnessOptions> = {}) {
  const served = await serve(answer)
  open.push(served)
  return tlogWitness({ url: served.url, key: impostor.verifierKey, ...options })
}

const answering = (status: number, body: string | Uint8Array = '', headers: Record<string, string> = {}) =>
  startAnswering((_, response) => response.writeHead(status, headers).end(body))

async function failureOf(work: Promise<unknown>): Promise<AuditError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(AuditError)
  return error as AuditError
}

const refused = (code: AuditErrorCode, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

const statusesOf = ({ exchanges }: WitnessServer) => exchanges.map(({ status }) => status)
const textOf = (note: string) => note.slice(0, note.lastIndexOf('\n\n') + 1)

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

describe('ANCHOR_FAILED is said of a witness', () => {
  it('that does not know the log', async () => {
    const witness = await startWitness({ logs: {} })
    const error = await failureOf(tlogWitness(witness).publish(logOf(1)))
    expect(error).toEqual(refused('ANCHOR_FAILED', /w1 answered 404.*add the origin/))
    expect((error.cause as Error).message).toBe('The witness wrote: "unknown log\\n"')
  })

  it('that does not trust the key of the log', async () => {
    const other = noteSigner(newSigningKey(origin)).verifier.text
    const witness = await startWitness({ logs: { [origin]: [other] } })
    const error = await failureOf(tlogWitness(witness).publish(logOf(1)))
    expect(error).toEqual(refused('ANCHOR_FAILED', /answered 403.*public key/))
  })

  it.each([
    [400, /answered 400.*malformed/],
    [422, /answered 422.*where none was due/],
    [429, /answered 429.*less often/],
    [418, /answered 418.*submission prefix/],
    [204, /answered 204.*submission prefix/],
    [503, /answered 503.*publish again later/],
  ])('that answers %i', async (status, message) => {
    const error = await failureOf((await answering(status)).publish(logOf(1)))
    expect(error).toEqual(refused('ANCHOR_FAILED', message))
    expect(error.cause).toBeUndefined()
  })

  it.each(conflictResponses.filter(({ size }) => size === undefined))(
    'that answers 409 as $contentType: $body',
    async (conflict) => {
      const anchor = await answering(409, conflict.body, { 'content-type': conflict.contentType })
      expect(await failureOf(anchor.publish(logOf(60)))).toEqual(refused('ANCHOR_FAILED', /409.*no size to go on from/))
      const says = conflict.contentType === 'text/x.tlog.size' ? 'ANCHOR_FAILED' : 'LOG_ROLLED_BACK'
      expect(await failureOf(anchor.publish(logOf(0)))).toEqual(refused(says, /409/))
    },
  )

  it.each(conflictResponses.filter(({ size }) => size !== undefined))(
    'that says $size whatever it is sent, after three times',
    async ({ contentType, body }) => {
      const requests: string[] = []
      const anchor = await startAnswering((request, response) => {
        request.setEncoding('utf8').once('data', (text: string) => requests.push(text.slice(0, text.indexOf('\n'))))
        request.once('end', () => response.writeHead(409, { 'content-type': contentType }).end(body))
      })
      expect(await failureOf(anchor.publish(logOf(60)))).toEqual(refused('ANCHOR_FAILED', /another size 3 times/))
      expect(requests).toEqual(['old 0', `old ${body.trim()}`, `old ${body.trim()}`])
    },
  )

  it('that redirects, which is not followed', async () => {
    const witness = await startWitness()
    const anchor = await answering(307, '', { location: `${witness.url}/add-checkpoint` })
    expect(await failureOf(anchor.publish(logOf(1)))).toEqual(refused('ANCHOR_FAILED', /307. Redirects are not/))
    expect(witness.exchanges).toEqual([])
  })

  it('that is not there', async () => {
    const anchor = tlogWitness({ url: `http://127.0.0.1:${await freePort()}`, key: impostor.verifierKey })
    const error = await failureOf(anchor.publish(logOf(1)))
    expect(error).toEqual(refused('ANCHOR_FAILED', /127\.0\.0\.1:\d+\/add-checkpoint can't be reached/))
    expect(error.cause).toBeInstanceOf(TypeError)
  })

  it.each<[string, RequestListener]>([
    ['not at all', () => undefined],
    ['half', (_, response) => response.writeHead(200).write('\u2014 witness')],
  ])('that answers %s in time', async (_, answer) => {
    const anchor = await startAnswering(answer, { timeout: 100 })
    const error = await failureOf(anchor.publish(logOf(1)))
    expect(error).toEqual(refused('ANCHOR_FAILED', /within 100 ms/))
    expect(error.cause).toHaveProperty('name', 'TimeoutError')
  })

  it('that does not stop answering: it is cut off', async () => {
    let closed = (): void => undefined
    const cutOff = new Promise<void>((resolve) => {
      closed = resolve
    })
    const anchor = await startAnswering((_, response) => {
      const more = (): boolean => !response.destroyed && response.write('x'.repeat(16_384)) && more()
      response.writeHead(200).on('drain', more).once('close', closed)
      more()
    })
    expect(await failureOf(anchor.publish(logOf(1)))).toEqual(refused('ANCHOR_FAILED', /200 and more than 64 KiB/))
    await cutOff
  })
})

describe('a cosignature is believed', () => {
  const text = textOf(logOf(3).note)
  const line = impostor.cosign(text, 1_700_000_000)
  const answer = async (body: string | Uint8Array) => {
    const anchor = await answering(200, body)
    await anchor.publish({ ...logOf(3), note: `${text}\n${logOf(3).note.slice(text.length + 1)}` })
    return anchor.read()
  }
  const spoiled = line.replace(/\S{8}(?===\n$|=\n$|\n$)/, 'AAAAAAAA')

  it('beside others, which are left out', async () => {
    const other = new WitnessKey('other.example').cosign(text, 1)
    expect(await answer(`${other}${line}${other}`)).toEqual([logOf(3).note + line])
  })

  it.each<[string, string | Uint8Array]>([
    ['nothing', ''],
    ['a page', '<!doctype html>\n<p>Welcome'],
    ['no newline at the end', line.slice(0, -1)],
    ['an empty line', `${line}\n`],
    ['a whole note', `${text}\n${line}`],
    ['what is no UTF-8', Buffer.from(line, 'latin1')],
    ['a carriage return', line.replace('\n', '\r\n')],
  ])('but not where there is %s', async (_, body) => {
    expect(await failureOf(answer(body))).toEqual(refused('ANCHOR_FAILED', /200 and no cosignature/))
  })

  it.each([
    ['a key of the same name', new WitnessKey(impostor.name).cosign(text, 1_700_000_000)],
    ['other witnesses', exampleResponse.body],
    ['another name, if under the same id', line.replace(impostor.name, 'other.example')],
    ['the same key under another name', new WitnessKey('other.example', impostor.seed).cosign(text, 1_700_000_000)],
  ])('but not of %s', async (_, body) => {
    expect(await failureOf(answer(body))).toEqual(
      refused('ANCHOR_FAILED', /with other keys than witness\.example\/w1\+/),
    )
  })

  it.each([
    ['of another text', impostor.cosign(textOf(logOf(4).note), 1_700_000_000)],
    ['of no time', impostor.cosign(text, 0)],
    ['of a time that no calendar has', impostor.cosign(text, 8_640_000_000_001)],
    ['that was changed', spoiled],
    ['that was changed, beside a good one', line + spoiled],
    ['that is too short', line.replace(/\S{6}==\n$/, '\n')],
    ['without a whole time', line.replace(/(?<= \S{8})\S+\n$/, '\n')],
  ])('but not one %s', async (_, body) => {
    expect(await failureOf(answer(body))).toEqual(
      refused('ANCHOR_FAILED', /200 and a cosignature that does not verify/),
    )
  })

  it('but not of a witness whose clock stands at zero', async () => {
    const witness = await startWitness({ clock: () => 0 })
    expect(await failureOf(tlogWitness(witness).publish(logOf(1)))).toEqual(refused('ANCHOR_FAILED', /not verify/))
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
