import { join } from 'node:path'
import { cosignersOf, tlogWitness } from '@countersign/adapters/tlog-witness'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'
import { checkpoints, cosignedCheckpoints, torchwoodCheckpoints } from '../support/note-vectors.js'
import { WitnessKey, type WitnessServer, witnessServer } from '../support/witness-server.js'
import {
  type AddCheckpointRequest,
  addCheckpointRequests,
  exampleRequest,
  malformedVerifierKeys,
  requestOfTooManyHashes,
  verifierKeys,
} from '../support/witness-vectors.js'

// What others published, against the toolkit's reading of cosignatures, and against the witness of its tests.

const refusedFor = (message: RegExp) =>
  expect.objectContaining({ code: 'KEY_INVALID', message: expect.stringMatching(message) })
const refused = refusedFor(/Copy it from/)

describe.each(cosignedCheckpoints)('the cosigned checkpoint of $source', ({ note, cosigners }) => {
  const known = cosigners.filter((cosigner) => cosigner.verifierKey !== undefined)
  const keys = known.map((cosigner) => cosigner.verifierKey as string)
  const found = known.map(({ name, timestamp, verifierKey: key }) => ({ name, key, time: new Date(timestamp * 1000) }))

  it('was cosigned by those whose keys are known', () => {
    expect(cosignersOf(note, keys)).toEqual(found)
    expect(cosignersOf(note, [...keys, ...keys])).toEqual(found)
  })

  it('was cosigned by nobody whose key is another one', () => {
    const others = cosigners.map(({ name }) => new WitnessKey(name).verifierKey)
    expect(cosignersOf(note, others)).toEqual([])
    expect(cosignersOf(note, [...others, ...keys])).toEqual(found)
  })

  it('is worthless once its text is another one, or without worth to who knows none of its keys', () => {
    expect(cosignersOf(note.replace(/\n\d/, '\n9'), keys)).toEqual(keys.length > 0 ? null : [])
  })
})

describe('cosigners', () => {
  const [first, second] = [new WitnessKey('first.example'), new WitnessKey('second.example')]
  const { note } = torchwoodCheckpoints.fifth
  const text = note.slice(0, note.indexOf('\n\n') + 1)

  it('are told once each, with the last of several times, in the order of the keys', () => {
    const lines = [first.cosign(text, 5), second.cosign(text, 7), first.cosign(text, 9), first.cosign(text, 6)]
    expect(cosignersOf(note + lines.join(''), [second.verifierKey, first.verifierKey])).toEqual([
      { name: 'second.example', key: second.verifierKey, time: new Date(7000) },
      { name: 'first.example', key: first.verifierKey, time: new Date(9000) },
    ])
  })

  it('are none of a note that is no checkpoint', () => {
    expect(cosignersOf('no note', [first.verifierKey])).toBeNull()
    expect(cosignersOf(`no checkpoint\n\n${first.cosign('no checkpoint\n', 5)}`, [first.verifierKey])).toBeNull()
  })

  it('are none of a note in which one signature is forged', () => {
    const forged = first.cosign('another text\n', 5)
    expect(cosignersOf(note + first.cosign(text, 5) + forged, [first.verifierKey])).toBeNull()
    expect(cosignersOf(note + second.cosign(text, 5) + forged, [second.verifierKey])).toHaveLength(1)
  })

  it('are the published ones only of the checkpoint that they signed', () => {
    const [arche] = cosignedCheckpoints.filter(({ note }) => note.includes('remora.n621.de'))
    const line = /\u2014 remora\S* .*\n/.exec(arche?.note ?? '')?.[0] ?? ''
    const keys = ['remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2']
    for (const other of checkpoints) expect(cosignersOf(other.note + line, keys)).toBeNull()
  })
})

describe('a key of a witness', () => {
  const options = (key: string) => ({ url: 'https://witness.example', key })

  it.each(verifierKeys.filter(({ type }) => type === 4))('can be $verifierKey', ({ verifierKey }) => {
    expect(tlogWitness(options(verifierKey)).name).toBe(`witness ${verifierKey.split('+')[0]}`)
  })

  it.each(verifierKeys.filter(({ type }) => type === 1))('can’t be that of a log: $verifierKey', ({ verifierKey }) => {
    expect(() => tlogWitness(options(verifierKey))).toThrow(refusedFor(/no key of an Ed25519 witness/))
  })

  it.each(malformedVerifierKeys)('can’t be $why: $verifierKey', ({ verifierKey }) => {
    expect(() => tlogWitness(options(verifierKey))).toThrow(refused)
  })

  it('can’t have an id that is not its own, or a name that no key has', () => {
    const [name = '', id = '', bytes = ''] = new WitnessKey('w.example').verifierKey.split(/\+(.{8})\+/)
    expect(() => tlogWitness(options(`${name}+${id}+${bytes}`))).not.toThrow()
    expect(() => tlogWitness(options(`x${name}+${id}+${bytes}`))).toThrow(refused)
    expect(() => tlogWitness(options(`${name}+00000000+${bytes}`))).toThrow(refused)
    expect(() => tlogWitness(options(new WitnessKey('two words').verifierKey))).toThrow(refused)
    expect(() => tlogWitness(options(`${name}+${id}+${bytes}=`))).toThrow(refused)
    expect(() => tlogWitness(options(undefined as never))).toThrow(refused)
  })
})

describe('the witness of the tests', () => {
  const { origin, verifierKey } = torchwoodCheckpoints.first as { origin: string; verifierKey: string }
  const [one, three, five] = addCheckpointRequests as [AddCheckpointRequest, AddCheckpointRequest, AddCheckpointRequest]

  async function started(): Promise<WitnessServer> {
    const logs = { [origin]: [verifierKey] }
    const witness = await witnessServer({ state: join(freshFolder(), 'witness'), logs, clock: () => 1_234 })
    onTestFinished(() => witness.close())
    return witness
  }
  const send = async (witness: WitnessServer, body: string): Promise<[number, string]> => {
    const response = await fetch(`${witness.url}/add-checkpoint`, { method: 'POST', body })
    return [response.status, await response.text()]
  }

  it.each([
    ['third', three],
    ['fifth', five],
  ])('cosigns the first checkpoint of Torchwood, and after it the %s', async (_, next) => {
    const witness = await started()
    for (const { checkpoint, body } of [one, next]) {
      const [status, line] = await send(witness, body)
      expect(status).toBe(200)
      expect(cosignersOf(checkpoint + line, [witness.key])).toHaveLength(1)
    }
    expect(await send(witness, one.body)).toEqual([409, `${witness.cosigned(origin)}\n`])
  })

  it('refuses what is to be refused', async () => {
    const witness = await started()
    const before = one.body.replace('old 0', 'old 2')
    expect(await send(witness, before)).toEqual([400, expect.stringContaining('above')])
    for (const body of [requestOfTooManyHashes.body, '', one.checkpoint, one.body.replace('old 0', 'old 00')]) {
      expect(await send(witness, body)).toEqual([400, 'malformed\n'])
    }
    expect((await send(witness, exampleRequest.body))[0]).toBe(404)
    expect((await send(witness, one.body.replace('\n1\n', '\n2\n')))[0]).toBe(403)
    expect((await send(witness, three.body.replace('old 1', 'old 0')))[0]).toBe(422)
    await send(witness, one.body)
    expect((await send(witness, three.body.replace(three.proof[0] ?? '', five.proof[1] ?? '')))[0]).toBe(422)
    expect(witness.cosigned(origin)).toBe(1)
  })
})
