import { readFile, stat, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { newSigningKey, noteSigner, parseCheckpoint, parseReceipt } from '@countersign/core/evidence'
import { sampleRow } from '@countersign/core/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ConsolePlace, consolePlaces, countersign, type Ran, typed } from '../support/consoles.js'
import { freshFolder } from '../support/fresh-folder.js'
import { idAt, origin } from '../support/logs.js'

for (const { name, here, open } of consolePlaces) {
  describe.runIf(here)(`the commands ${name}`, () => {
    const folder = freshFolder()
    const file = (path: string): string => join(folder, path)
    let place: ConsolePlace
    const run = (...args: string[]): Promise<Ran> => typed(args, place.env)
    const proven = idAt('2025-04-10')

    beforeAll(async () => {
      place = await open(folder)
      const months = ['2025-03-05', '2025-03-06', '2025-03-07', '2025-05-01']
      await place.write(months.map((day) => sampleRow({ id: idAt(day), subject: { type: 'user', id: '7' } })))
      await place.write([sampleRow({ id: proven, actor: { type: 'user', id: '8', label: 'Eve \u001b[2J' } })])
      await place.trail.record('login', { outcome: 'failure', reason: 'unknown_account', attempted: 'ada@example.org' })
      await place.catchUp()
    })
    afterAll(() => place.close())

    it('verify says that the log is sound, and leaves a row that says who asked', async () => {
      const { code, out, err } = await countersign(['verify'], place.env)
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toBe(`sound: 6 leaves, checkpoint of 6; key ${place.signer.verifier.text} (pinned)\n`)
      const [row] = await place.rowsOf('audit_verification')
      const operator = { actor_type: 'service', actor_id: 'countersign-cli', actor_label: userInfo().username }
      expect(row).toEqual({ ...operator, outcome: 'success', details: { leaves: 6, findings: 0 } })
    })

    it('verify ends with 14 where the log is not signed by the key that was given', async () => {
      const other = noteSigner(newSigningKey(origin)).verifier.text
      const { code, out } = await run('verify', '--key', other, '--json')
      expect(code).toBe(14)
      expect(JSON.parse(out)).toMatchObject({ sound: false, origin, counts: { forged: 1 }, pinned: false })
    })

    it('checkpoint writes a note, which verify takes as an anchor', async () => {
      expect(await run('checkpoint', '--out', file('kept'))).toEqual({ code: 0, out: '', err: '' })
      expect(parseCheckpoint(await readFile(file('kept'), 'utf8'))).toMatchObject({ origin, previous: 5 })
      expect((await run('verify', '--anchor', file('kept'))).out).toContain(', 1 anchor confirmed; ')
    })

    it('export writes a bundle that is verified without the database, into a file of its owner', async () => {
      const { code, err } = await run('export', '--out', file('bundle'))
      expect({ code, err }).toEqual({ code: 0, err: `Exported the leaves from 0 to the end of ${origin}.\n` })
      expect((await stat(file('bundle'))).mode & 0o777).toBe(0o600)
      const bundle = await readFile(file('bundle'), 'utf8')
      const known = ['--key', place.signer.verifier.text]
      expect(await typed(['verify', file('bundle'), ...known])).toMatchObject({ code: 0, err: '' })
      expect(await typed(['verify', file('bundle'), '--anchor', file('kept')])).toMatchObject({ code: 0 })
      const again = await run('export', '--out', file('bundle'))
      expect(again.code).toBe(1)
      expect(again.err).toContain('is there already, and nothing is overwritten')
      expect(await readFile(file('bundle'), 'utf8')).toBe(bundle)
      const [row] = await place.rowsOf('audit_export')
      expect(row).toMatchObject({ outcome: 'success', details: { format: 'bundle', from: 0 } })
    })

    it('export writes the part of a time; where nothing is in it, nothing', async () => {
      const { out } = await countersign(['export', '--from', '2025-04', '--to', '2025-05'], place.env)
      expect(out.match(/^\{"leaf":(\d+)/gm)).toEqual(['{"leaf":4'])
      await writeFile(file('part'), out)
      expect(await typed(['verify', file('part')])).toMatchObject({ code: 0 })
      const nothing = await run('export', '--from', '2024-01', '--to', '2024-02', '--out', file('none'))
      expect(nothing).toMatchObject({ code: 1, out: '' })
      await expect(stat(file('none'))).rejects.toThrow('ENOENT')
    })

    it('prove writes a proof that is verified, is recorded, and says nothing to a terminal', async () => {
      const { code, out } = await run('prove', proven)
      expect(code).toBe(0)
      expect(out).not.toContain('\u001b')
      expect(JSON.parse(out)).toMatchObject({ countersign: 'proof/v1', leaf: { id: proven } })
      await writeFile(file('proof'), out)
      expect(await typed(['verify', file('proof')])).toMatchObject({ code: 0 })
      await writeFile(file('proof'), out.replace('"user","id":"8"', '"user","id":"9"'))
      expect(await typed(['verify', file('proof')])).toMatchObject({ code: 10 })
      const [row] = await place.rowsOf('audit_read')
      expect(row?.details).toEqual({ filters: ['id'], returned: 1 })
      expect(await run('prove', idAt('2025-04-11'))).toMatchObject({ code: 1, out: '' })
    })

    it('hold place, list and release keep a month, and months shows it', async () => {
      const placed = await run('hold', 'place', '--label', 'case 47', '--from', '2025-04-02', '--to', '2025-04-03')
      expect(placed.code).toBe(0)
      expect(placed.out).toMatch(/^[0-9a-f-]{36} {2}2025-04-01 to 2025-05-01 {2}case 47 {2}\(placed by .+ at .+Z\)\n$/)
      expect((await run('hold', 'list')).out).toBe(placed.out)
      expect((await run('months')).out).toContain('2025-04-01 to 2025-05-01  audit_event_2025_04  held: case 47\n')
      const pruned = await run('prune', '--before', '2025-05-01')
      expect(pruned.code).toBe(0)
      expect(pruned.out).toContain('audit_event_2025_03: 3 rows taken away\n')
      expect(pruned.out).toContain('audit_event_2025_04: stays: a legal hold keeps it\n')
      const id = placed.out.slice(0, 36)
      expect(JSON.parse((await run('hold', 'release', id, '--json')).out)).toMatchObject({ id, label: 'case 47' })
      expect((await run('prune', '--before', '2025-05-01', '--archive')).out).toContain('_2025_04: 1 row taken away\n')
    })

    it('erase finds rows by their subject and by what was typed, and prints the receipt', async () => {
      await place.catchUp()
      const { code, out, err } = await run('erase', '--subject', 'user:7', '--identifier', 'Ada@example.org ')
      expect({ code, err }).toEqual({ code: 0, err: 'Erased the personal fields of 2 rows.\n' })
      expect(parseReceipt(out)?.receipt).toMatchObject({ kind: 'erasure', rows: 2, subject: { type: 'user', id: '7' } })
      await place.catchUp()
      expect(await run('verify')).toMatchObject({
        code: 0,
        out: expect.stringContaining('2 rows erased with receipt, 4 rows taken away with receipt; key'),
      })
    })

    it('key rotate has the log signed by another key, and key show lists both', async () => {
      const made = await typed(['key', 'new', origin, '--out', file('next.key')])
      expect(made.err).toContain(`To verify with, and no secret: ${origin}+`)
      expect((await stat(file('next.key'))).mode & 0o777).toBe(0o600)
      const { verifier } = noteSigner(await readFile(file('next.key'), 'utf8'))
      const { code, out, err } = await run('key', 'rotate', '--to', file('next.key'))
      expect({ code, out }).toEqual({ code: 0, out: `${verifier.text}\n` })
      expect(err).toContain('Give the new secret to every process')
      expect((await run('key', 'show')).out).toBe(`${place.signer.verifier.text}\n${verifier.text}\n`)
    })

    it('verify ends with the code of the gravest finding where the owner of the database changed a row', async () => {
      await place.execute('alter table audit_event disable trigger user')
      await place.execute(`update audit_event set reason = E'not \\u009b2J this' where id >= '${idAt('2025-05-01')}'
        and event = 'login' and reason = 'unknown_account'`)
      await place.execute('alter table audit_event enable trigger user')
      const { code, out } = await countersign(['verify'], place.env)
      expect(code).toBe(10)
      expect(out).toMatch(/^altered: leaf 5: row [0-9a-f-]{36}: .+\nNOT SOUND: 1 altered, /)
    })
  })
}
