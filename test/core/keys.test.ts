import { execFile } from 'node:child_process'
import { createHmac, hkdfSync } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { newSigningKey } from '@countersign/core/evidence'
import { checkpointKeyOf, Secrets, secretOfFolder, storedSecret } from '@countersign/core/keys'
import { describe, expect, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'

const publicUrl = 'https://auth.example.org:8443/anything'

describe('the root of all keys', () => {
  it('gives each purpose a key of its own, the same in every version', () => {
    const root = 'r'.repeat(32)
    const expected = hkdfSync('sha256', root, '', 'countersign-auth/audit', 32)
    expect(new Secrets(root).key('audit')).toEqual(new Uint8Array(expected))
    expect(new Secrets(Buffer.from(root)).key('audit')).toEqual(new Uint8Array(expected))
    expect(new Secrets(root).key('csrf')).not.toEqual(new Uint8Array(expected))
    expect(() => new Secrets('short')).toThrow('SECRET_KEY has 5 bytes')
  })

  it('makes keyed hashes, of 256 bits, that no other purpose makes', () => {
    const secrets = new Secrets('r'.repeat(32))
    const expected = createHmac('sha256', secrets.key('token')).update('a text').digest('base64url')
    expect(secrets.keyedHash('token')('a text')).toBe(expected)
    expect(secrets.keyedHash('other')('a text')).not.toBe(expected)
  })

  it('is looked for without being made', () => {
    const folder = freshFolder()
    expect([storedSecret(folder), storedSecret(join(folder, 'none')), readdirSync(folder)]).toEqual([null, null, []])
    const made = secretOfFolder(join(folder, 'new'))
    expect(storedSecret(join(folder, 'new'))).toBe(made)
    expect(statSync(join(folder, 'new')).mode & 0o777).toBe(0o700)
  })

  it('that is not whole is refused', () => {
    const folder = freshFolder()
    writeFileSync(join(folder, 'secret.key'), 'torn')
    for (const read of [storedSecret, secretOfFolder]) expect(() => read(folder)).toThrow('has 4 bytes')
  })
})

describe('the key of the log', () => {
  it('is that of CHECKPOINT_KEY, or of the file that CHECKPOINT_KEY_FILE names', () => {
    const folder = freshFolder()
    const key = newSigningKey('example.org/audit')
    const file = join(folder, 'key')
    writeFileSync(file, `${key}\n`)
    const texts = [{ CHECKPOINT_KEY: key }, { CHECKPOINT_KEY_FILE: file, NODE_ENV: 'production' }].map(
      (env) => checkpointKeyOf(env, { folder, publicUrl })?.verifier.name,
    )
    expect(texts).toEqual(['example.org/audit', 'example.org/audit'])
    expect(readdirSync(folder)).toEqual(['key'])
  })

  it('is made in the data folder in development, once, and readable by its owner only', () => {
    const folder = join(freshFolder(), 'data')
    const made = checkpointKeyOf({}, { folder, publicUrl })
    expect(made?.verifier.name).toBe('auth.example.org:8443/audit')
    expect(statSync(join(folder, 'checkpoint.key')).mode & 0o777).toBe(0o600)
    const again = checkpointKeyOf({}, { folder, publicUrl: 'http://[::1]:3000' })
    expect(again?.verifier.text).toBe(made?.verifier.text)
    expect(checkpointKeyOf({}, { folder })?.verifier.text).toBe(made?.verifier.text)
  })

  it('is one when several processes make it at the same time', async () => {
    const folder = freshFolder()
    const program = `import { checkpointKeyOf } from '@countersign/core/keys'
      process.stdout.write(checkpointKeyOf({}, { folder: process.argv[1], publicUrl: '${publicUrl}' }).verifier.text)`
    const run = async (): Promise<string> => {
      const options = { cwd: import.meta.dirname }
      const args = ['--input-type=module', '-e', program, folder]
      return (await promisify(execFile)(process.execPath, args, options)).stdout
    }
    expect(new Set(await Promise.all([run(), run(), run(), run()])).size).toBe(1)
    expect(readdirSync(folder)).toEqual(['checkpoint.key'])
  })

  it('is none in production, and where nothing may be made', () => {
    const folder = freshFolder()
    expect(checkpointKeyOf({ NODE_ENV: 'production' }, { folder, publicUrl })).toBeNull()
    expect(checkpointKeyOf({}, { folder })).toBeNull()
    expect(readdirSync(folder)).toEqual([])
  })

  it('that can not be used says which setting it came from, and nothing of what is in it', () => {
    const folder = freshFolder()
    const of = (env: object, url?: string) => () =>
      checkpointKeyOf(env, { folder, ...(url === undefined ? {} : { publicUrl: url }) })
    const key = newSigningKey('a').slice(0, -4)
    expect(of({ CHECKPOINT_KEY: key })).toThrow(/^CHECKPOINT_KEY: The key can't be used/)
    expect(of({ CHECKPOINT_KEY: key })).not.toThrow(key.slice(-20))
    const missing = join(folder, 'missing')
    expect(of({ CHECKPOINT_KEY_FILE: missing })).toThrow(`${missing} (ENOENT)`)
    expect(of({ CHECKPOINT_KEY: key, CHECKPOINT_KEY_FILE: missing })).toThrow('Unset one of them')
    expect(of({}, 'nonsense')).toThrow('PUBLIC_URL makes no address')
    writeFileSync(join(folder, 'checkpoint.key'), '')
    expect(of({})).toThrow(join(folder, 'checkpoint.key'))
    expect(readFileSync(join(folder, 'checkpoint.key'), 'utf8')).toBe('')
  })
})
