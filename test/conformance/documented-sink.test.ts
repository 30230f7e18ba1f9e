import { execFile } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { compile, root } from '../support/compile.js'
import { freshFolder } from '../support/fresh-folder.js'

const [sink = '', cases = ''] = [
  ...readFileSync(join(root, 'docs/writing-a-sink.md'), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm),
].map(([, code]) => code)

const folder = freshFolder()
symlinkSync(join(root, 'test/node_modules'), join(folder, 'node_modules'), 'junction')
writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))

/** Runs the tests that the document shows, on a sink, and returns what the test runner counted. */
async function run(name: string, source: string): Promise<Record<string, number>> {
  const files = [join(folder, `${name}.ts`), join(folder, `${name}.test.ts`)] as const
  writeFileSync(files[0], source)
  writeFileSync(files[1], `import { sqliteSink } from './${name}.js'\n${cases.replaceAll('audit.db', `${name}.db`)}`)
  const options = { noEmit: false, outDir: folder, rootDir: folder }
  expect(await compile({ compiler: 'typescript', files, from: folder, options })).toEqual([])
  const { stdout } = await promisify(execFile)(process.execPath, ['--test-reporter=tap', `${name}.test.js`], {
    cwd: folder,
  }).catch((failed: { stdout: string }) => failed)
  const counted = stdout.matchAll(/^# (?<what>tests|pass|fail) (?<count>\d+)$/gm)
  return Object.fromEntries([...counted].map(({ groups }) => [groups?.what, Number(groups?.count)]))
}

it('the sink that docs/writing-a-sink.md shows keeps every promise, by the tests that it shows', async () => {
  expect(await run('sink', sink)).toEqual({ tests: 7, pass: 7, fail: 0 })
})

it('those tests find a promise that is broken', async () => {
  const forgetful = sink.replace(' primary key', '').replace(' on conflict (id) do nothing', '')
  expect(await run('forgetful', forgetful)).toEqual({ tests: 7, pass: 6, fail: 1 })
})
