import { tlogWitness } from '@countersign/adapters/tlog-witness'
import { describe, expect, it } from 'vitest'

const key = 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2'
const refused = (message: RegExp) =>
  expect.objectContaining({ code: 'SETTING_INVALID', message: expect.stringMatching(message) })

describe('a witness is asked', () => {
  it.each([
    'https://witness.example',
    'https://witness.example/prefix/',
    'http://localhost:8080',
    'http://127.8.0.1',
    'http://[::1]:80/w',
  ])('at %s', (url) => {
    expect(tlogWitness({ url, key }).name).toBe('witness remora.n621.de')
  })

  it.each([
    ['http://witness.example'],
    ['http://127.0.0.1.example'],
    ['http://localhost.example'],
    ['ftp://localhost'],
    ['https://user:word@witness.example'],
    ['https://witness.example/?log=1'],
    ['https://witness.example/#log'],
    ['witness.example'],
    [undefined],
  ])('but not at %s', (url) => {
    expect(() => tlogWitness({ url: url as never, key })).toThrow(refused(/url must be.*https/))
  })

  it.each([0, -1, 1.5, Number.NaN, 2 ** 31, '5'])('with no timeout of %s', (timeout) => {
    const options = { url: 'https://witness.example', key, timeout: timeout as never }
    expect(() => tlogWitness(options)).toThrow(refused(/timeout/))
  })

  it('with no empty file, and not without options', () => {
    const options = { url: 'https://witness.example', key, file: '' }
    expect(() => tlogWitness(options)).toThrow(refused(/file/))
    expect(() => tlogWitness(undefined as never)).toThrow(refused(/url/))
  })
})
