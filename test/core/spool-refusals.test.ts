import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileSpool } from '@countersign/core/spool'
import { expect, it } from 'vitest'
import { freshFolder } from '../support/fresh-folder.js'

const run = promisify(execFile)

/** The message of the refusal, as a process of its own gets it: one that hangs is killed. */
async function refusalOf(folder: string, user?: number): Promise<string> {
  const module = new URL('../../packages/core/dist/file-spool/index.js', import.meta.url)
  const code = `import { fileSpool } from ${JSON.stringify(module.href)}
    ${user === undefined ? '' : `process.setuid(${user})`}
    try { fileSpool({ folder: ${JSON.stringify(folder)} }); console.log('made') }
    catch ({ code, message }) { console.log(code, message) }`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { timeout: 10_000 })
  return stdout.trim()
}

it.runIf(existsSync('/proc/self'))('a folder where none can be made is refused, and not tried for ever', async () => {
  for (const folder of ['/proc/spool', '/proc/a/spool', '/proc'])
    expect(await refusalOf(folder)).toMatch(/^SPOOL_INVALID .*can't be used: ENOENT\. Choose/)
})

it('a folder that a file stands in the way of is refused with that reason', async () => {
  const file = join(freshFolder(), 'file')
  writeFileSync(file, '')
  expect(await refusalOf(file)).toMatch(/can't be used: (EEXIST|ENOTDIR)\. A file stands in its way/)
  expect(await refusalOf(join(file, 'spool'))).toMatch(/can't be used: (EEXIST|ENOTDIR)\. A file stands in its way/)
})

it.runIf(process.getuid?.() === 0)('a folder that may not be written to is refused with that reason', async () => {
  const folder = join(freshFolder(), 'other')
  mkdirSync(folder)
  chmodSync(join(folder, '..'), 0o755)
  expect(await refusalOf(folder, 65_534)).toMatch(/can't be used: EACCES\. Let this process write to it/)
})

it('folders that are missing are all made, for their owner alone', async () => {
  const folder = join(freshFolder(), 'a', 'b')
  await fileSpool({ folder }).close()
  expect([folder, join(folder, '..')].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700])
})
