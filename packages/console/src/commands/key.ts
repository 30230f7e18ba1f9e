import { AuditError } from '@countersign/core'
import { type KeyReceipt, newSigningKey, noteSigner, parseReceipt } from '@countersign/core/evidence'
import type { Command, OpenStore } from '../command.js'
import { textOfFile } from '../given-files.js'
import { operatorOf } from '../operator.js'
import { jsonLine, printable } from '../terminal-text.js'

export const keyNewCommand: Command = {
  name: 'key new',
  usage: '<name> [--out <file>]',
  about: 'makes a key to sign a log with: a secret. Its name is the origin of the log, an address without its scheme',
  example: 'countersign key new example.org/audit --out checkpoint.key',
  options: { out: 'text' },
  words: 1,
  plan(words) {
    const name = words.neededWord(0, 'A name, for example example.org/audit,')
    let secret: string
    try {
      secret = newSigningKey(name)
    } catch {
      return words.refuse(`'${name}' can't name a key: it may have no space and no plus, and 256 characters at most.`)
    }
    const { text: key } = noteSigner(secret).verifier
    return {
      async runHere(io) {
        await io.out(words.flag('json') ? jsonLine({ secret, key }) : `${secret}\n`)
        if (!words.flag('json')) await io.err(`To verify with, and no secret: ${key}\n`)
        return 0
      },
    }
  },
}

export const keyShowCommand: Command = {
  name: 'key show',
  usage: '',
  about: 'lists the public keys of the log, the one that signs it now as the last: for those who verify it',
  example: 'countersign key show',
  options: {},
  words: 0,
  plan: (words) => ({
    async runOn(store, io) {
      const keys = await keysOf(store)
      const own = store.signer?.verifier.text ?? null
      if (words.flag('json')) await io.out(jsonLine({ keys, own }))
      else {
        for (const { key } of keys) await io.out(`${printable(key)}\n`)
        if (keys.length === 0) await io.err('No key has signed the log yet.\n')
        if (own !== null && own !== keys.at(-1)?.key) await io.err(`The key that is set here is another one: ${own}\n`)
      }
      return 0
    },
  }),
}

async function keysOf(store: OpenStore): Promise<Array<{ key: string; from: number }>> {
  const source = await store.log().open({ from: 0, to: 0 })
  const keys: Array<{ key: string; from: number }> = []
  for await (const records of source.records()) {
    for (const record of records) {
      const receipt = 'receipt' in record ? parseReceipt(record.receipt)?.receipt : undefined
      if (receipt && isKeyReceipt(receipt)) keys.push({ key: receipt.key, from: receipt.size })
    }
  }
  return keys
}

function isKeyReceipt(receipt: { readonly kind: string }): receipt is KeyReceipt {
  return receipt.kind === 'key'
}

export const keyRotateCommand: Command = {
  name: 'key rotate',
  usage: '--to <file with the new secret>',
  about: 'has the log signed by another key of the same name from now on: both keys sign that it is so',
  example: 'countersign key rotate --to new.key',
  options: { to: 'text' },
  words: 0,
  plan(words) {
    const path = words.needed('to')
    return {
      readInput: async () => [await textOfFile(path)],
      async runOn(store, io, [secret = '']) {
        const next = noteSigner(secret)
        const { text: key } = next.verifier
        if (store.signer?.verifier.text === key) {
          throw new AuditError(
            'KEY_INVALID',
            'The log is signed by that key already. Make another one: countersign key new',
          )
        }
        await store.operations().rotateKey(operatorOf(io), next)
        await io.out(words.flag('json') ? jsonLine({ key }) : `${key}\n`)
        if (!words.flag('json')) await io.err(afterRotation)
        return 0
      },
    }
  },
}

const afterRotation = `The log is signed by this key from now on. Give the new secret to every process (CHECKPOINT_KEY, CHECKPOINT_KEY_FILE,
or checkpoint.key in the data folder) and restart it: until one has it, no row gets its leaf.
`
