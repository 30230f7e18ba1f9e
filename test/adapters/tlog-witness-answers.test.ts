import type { RequestListener } from 'node:http'
import { tlogWitness } from '@countersign/adapters/tlog-witness'
import { newSigningKey, noteSigner } from '@countersign/core/evidence'
import { describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.js'
import { WitnessKey } from '../support/witness-server.js'
import { conflictResponses, exampleResponse } from '../support/witness-vectors.js'
import {
  answering,
  failureOf,
  impostor,
  logOf,
  origin,
  refused,
  startAnswering,
  startWitness,
  textOf,
} from '../support/witnessed-logs.js'

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
