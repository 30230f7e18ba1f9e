// Notes, checkpoints, cosignatures and witness requests as others published them, byte for byte: what is read or
// written here has to agree with what the rest of the world signs. Each has its source; nothing in this file is ours,
// save that three verifier keys are spelled out from a public key that their source gives as bare bytes, as it says there.

/** A note that verifies with the key. */
export interface SignedNote {
  readonly source: string
  readonly verifierKey: string
  /** Its signatures are deterministic: signing the text with it makes the first signature of the note again. */
  readonly signerKey?: string
  readonly text: string
  readonly note: string
}

/** What is no note, or no key, and why. */
export interface MalformedNote {
  readonly source: string
  readonly why: string
  /** Bytes, since one of them is not UTF-8. */
  readonly note: Uint8Array
}

/** A well-formed note that has to be refused by one who knows the keys. */
export interface RefusedNote {
  readonly source: string
  readonly why: string
  readonly verifierKeys: readonly string[]
  readonly note: string
}

export interface CheckpointVector {
  readonly source: string
  readonly origin: string
  readonly size: number
  readonly rootBase64: string
  readonly note: string
  readonly verifierKey: string
}

export interface CosignedCheckpoint {
  readonly source: string
  readonly origin: string
  readonly size: number
  readonly rootBase64: string
  readonly note: string
  /** Of the log, where it is published and the log's signature is Ed25519. */
  readonly verifierKey?: string
  /** In the order of the note; without a verifier key where none is published, so only the form can be checked. */
  readonly cosigners: ReadonlyArray<{ name: string; keyId: string; timestamp: number; verifierKey?: string }>
}

const goNoteTest = 'golang/mod sumdb/note/note_test.go @02c991387e35f9e4c0a9b7ce137717055f8d716d'
const formatsNoteTest = 'transparency-dev/formats log/note_test.go @5242c17862d31acd165afafa140ecc973a621469'
const sigsumCheckpointTest =
  'sigsum/sigsum-go pkg/checkpoint/checkpoint_test.go @2224a397c849d2dd7bf412f9675f9e323381693c'
const torchwoodWitnessTest =
  'FiloSottile/torchwood internal/witness/witness_test.go @1cadf595db2171199e1711057e2f3b7962a5a416, with its public key as a verifier key'

const peterKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const peterSigner = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz'
const enochKey = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop'
const goText = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
const peterSig =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'
const enochSig =
  '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n'
const both = `${goText}\n${peterSig}${enochSig}`

/** `sig[:60] + "ABCD" + sig[60:]` of the Go test counts bytes, and the dash has three. */
function spoiled(sig: string): string {
  const bytes = Buffer.from(sig)
  return Buffer.concat([bytes.subarray(0, 60), Buffer.from('ABCD'), bytes.subarray(60)]).toString()
}

export const signedNotes: readonly SignedNote[] = [
  {
    source: `${goNoteTest} TestSign, and the example of note.go`,
    verifierKey: peterKey,
    signerKey: peterSigner,
    text: goText,
    note: `${goText}\n${peterSig}`,
  },
  { source: `${goNoteTest} TestOpen: one verified, one unknown`, verifierKey: peterKey, text: goText, note: both },
  { source: `${goNoteTest} TestOpen: the second line`, verifierKey: enochKey, text: goText, note: both },
  {
    source: `${goNoteTest} TestOpen: lines twice, and a spoiled one of an unknown key`,
    verifierKey: peterKey,
    text: goText,
    note: `${goText}\n${peterSig}${peterSig}${enochSig}${enochSig}${spoiled(enochSig)}`,
  },
  {
    source:
      'C2SP signed-note.md (copy in tysonmalone69-gif/C2SP @c8760d3db28ea2ad2effe2455371e1672d104dd8), Verifier keys, Example',
    verifierKey: 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    text: 'This is an example message.\n',
    note: `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`,
  },
]

/** The first example of signed-note.md: a text with an empty line in it, signed by a key that is not published. */
export const noteOfUnpublishedKey = {
  source: 'C2SP signed-note.md @055287621bf3cd13ff4394418a3e8efc2d5e8ed7, first example',
  keyName: 'quasimodo.example/salvatore',
  text: 'Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n',
  note: `Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
`,
}

const goMalformed = (why: string, ...parts: Array<string | readonly number[]>): MalformedNote => ({
  source: `${goNoteTest} TestOpen`,
  why,
  note: Buffer.concat(parts.map((part) => Buffer.from(part as string))),
})

export const malformedNotes: readonly MalformedNote[] = [
  goMalformed('a text alone', goText),
  goMalformed('no signature after the empty line', goText, '\n'),
  goMalformed('no newline at the end', goText, '\n', peterSig.slice(0, -1)),
  goMalformed('a control character', '\x01', goText, '\n', peterSig),
  goMalformed('a byte that is no UTF-8', [0xff], goText, '\n', peterSig),
  goMalformed(
    'a space in the key name, and no newline at the end',
    goText,
    '\n',
    '— Bad Name x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=',
  ),
  goMalformed('a line that is no signature', goText, '\n', peterSig, 'Unexpected line.\n'),
  goMalformed(
    '101 signatures: a limit of Go, where signed-note asks for one of 16 or more',
    goText,
    '\n',
    peterSig.repeat(101),
  ),
]

export const refusedNotes: readonly RefusedNote[] = [
  {
    source: `${goNoteTest} TestOpen: invalid signature`,
    why: 'the signature of a known key does not verify',
    verifierKeys: [peterKey],
    note: `${goText}\n${spoiled(peterSig)}`,
  },
  { source: `${goNoteTest} TestOpen: both unverified`, why: 'no key is known', verifierKeys: [], note: both },
  {
    source: `${goNoteTest} TestOpen: Verifier for the wrong name`,
    why: 'the name is of no known key, though the key ID is',
    verifierKeys: [peterKey],
    note: `${goText}\n${peterSig.replace('PeterNeumann', 'CarmenSandiego')}`,
  },
  {
    source: `${goNoteTest} TestOpen: Verifier for the wrong hash`,
    why: 'the key ID is of no known key, though the name is',
    verifierKeys: [peterKey],
    note: `${goText}\n${peterSig.replace('x08g', 'xxxx')}`,
  },
]

const sumKey = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'
const sumHead = {
  origin: 'go.sum database tree',
  size: 6476701,
  rootBase64: 'mb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=',
}
const sumNote = `go.sum database tree
6476701
mb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=

— sum.golang.org Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=
`
const sumNoteOfMany = `${sumNote}— monkeys 202ffh9ve46Mqbhuyb4wnC2Pwdan5EsXQym/tF1ggXJqhjGosU4T5intH4iKMRgDLxrnXuIjRaU2NbvAnaepM6Y+8ww=
— bananas z2OfE+2bbsBZ7NLgfuslc0v7NFW2QyexJ7fhePpoL2N/P7N/COd5S+JNHbQEAlYzz2C5sg0E+x/MggS1mDR6t3/9rQw=
— witness 8TqG25yWGFLdT7WPf/WoyeG3LwqtkXP+8S3yykOVm6EMh4hPgCke6eSVPU4BdtXNMPJBXKF+UpDbGgCdcpR8SVSoqAU=
`
const manySigners = [
  sumKey,
  'monkeys+db4d9f7e+AULaJMvTtDLHPUcUrjdDad9vDlh/PTfC2VV60JUtCfWT',
  'bananas+cf639f13+AaPjhFnPCQnid/Ql32KWhmh+uk72FVRfK+2DLmO3BI3M',
  'witness+f13a86db+AdYV1Ztajd9BvyjP2HgpwrqYL6TjOwIjGMOq8Bu42xbN',
]

const torchwoodOrigin = 'sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562'
const torchwoodKey = `${torchwoodOrigin}+5202289b+Af/cLU2Y5BJNP+r3iMDC+av9eWCD0fBJVDfzAux5zxAP`
const torchwood = (size: number, rootBase64: string, signature: string): CheckpointVector => ({
  source: torchwoodWitnessTest,
  origin: torchwoodOrigin,
  size,
  rootBase64,
  note: `${torchwoodOrigin}\n${size}\n${rootBase64}\n\n— ${torchwoodOrigin} ${signature}\n`,
  verifierKey: torchwoodKey,
})
/** One log's, of which `witness-vectors.ts` has the requests. */
export const torchwoodCheckpoints = {
  first: torchwood(
    1,
    'KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    'UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=',
  ),
  third: torchwood(
    3,
    'RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=',
    'UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=',
  ),
  fifth: torchwood(
    5,
    'QrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=',
    'UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=',
  ),
}
const sigsumOrigin = 'sigsum.org/v1/tree/e796172b92befd62d9dc67e41c2f5bc9d3100a3023b20b1ca40288dd1c679e69'
const sigsumRoot = 'HA5HAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='

export const checkpoints: readonly CheckpointVector[] = [
  { source: `${formatsNoteTest} TestSumDBNoteParsing`, ...sumHead, note: sumNote, verifierKey: sumKey },
  ...manySigners.map((verifierKey) => ({
    source: `${formatsNoteTest} BenchmarkParse: many verifiers`,
    ...sumHead,
    note: sumNoteOfMany,
    verifierKey,
  })),
  {
    source: `${sigsumCheckpointTest} TestGoSumDBCheckpoint`,
    origin: 'go.sum database tree',
    size: 30055305,
    rootBase64: 'mXfgRcJ0bG0j3CPdKwgGWtUzBUbX67saZGRmFuJGGsM=',
    note: `go.sum database tree
30055305
mXfgRcJ0bG0j3CPdKwgGWtUzBUbX67saZGRmFuJGGsM=

— sum.golang.org Az3grpgEild5qw7+5dtV13Kf1C2Xurm8q4fhdxvcsDHnqNTaxL2AFjBY+2TyGKevucFcAAlWFJJYle3EJlDCrQ+y3A8=
`,
    verifierKey: sumKey,
  },
  {
    source: `${sigsumCheckpointTest} validCheckpointASCII, with its public key as a verifier key`,
    origin: sigsumOrigin,
    size: 10,
    rootBase64: sigsumRoot,
    note: `${sigsumOrigin}\n10\n${sigsumRoot}\n\n— ${sigsumOrigin} gJ2ho0n8F8olcerUF1FFdv235A/5as/coWrpLrtE7ovMeP5whgwouYExowG/lTznxu6OUGjjt5yJQ6bXtTcf718MqAQ=\n`,
    verifierKey: `${sigsumOrigin}+809da1a3+AWbguFjkYqYJ5m/nE3DIFtiEb/ED1UmaIqf+w3/bxCSn`,
  },
  torchwoodCheckpoints.first,
  torchwoodCheckpoints.third,
  torchwoodCheckpoints.fifth,
]

const behindTheSofa = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`
const sofaHead = {
  origin: 'example.com/behind-the-sofa',
  size: 20852163,
  rootBase64: 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=',
}

/** The example of tlog-checkpoint.md: no key of it is published. */
export const checkpointOfUnpublishedKey = {
  source: 'C2SP tlog-checkpoint.md @2793893976c835db049c194d8f2c4f946dcb70ba',
  ...sofaHead,
  note: behindTheSofa,
}

const archeOrigin = 'arche2025h1.staging.ct.transparency.dev'
const archeRoot = 'U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro='

export const cosignedCheckpoints: readonly CosignedCheckpoint[] = [
  {
    source:
      'florolf/tlog-scales tests/test_signing.py @dfd5c4bf3b0c9703a6760e52e80e2515ee53f86e TestCheckpointVerification',
    origin: archeOrigin,
    size: 1432088532,
    rootBase64: archeRoot,
    note: `${archeOrigin}\n1432088532\n${archeRoot}

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
`,
    verifierKey: `${archeOrigin}+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f`,
    cosigners: [
      { name: 'transparency.dev/DEV:witness-little-garden', keyId: 'd8042a87', timestamp: 1779573024 },
      { name: 'witness1.smartit.nu/witness1', keyId: 'a48c820f', timestamp: 1779573024 },
      {
        name: 'remora.n621.de',
        keyId: 'da77ade7',
        timestamp: 1779573024,
        verifierKey: 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2',
      },
      { name: 'witness.stagemole.eu', keyId: '67f7aea0', timestamp: 1779573024 },
    ],
  },
  {
    source: `${sigsumCheckpointTest} testCheckpoint and TestCheckpointVerifyCosignatureByKey, with the public key of its private key as a verifier key`,
    origin: 'example.org/log',
    size: 10,
    rootBase64: sigsumRoot,
    note: `example.org/log\n10\n${sigsumRoot}

— example.org/witness yX8uUAAAAAAAAATSftMzceM8zssdZ9jin9SjwIxzx9iADMf63VqirX2hafol9RsqNqbofIz0LVRqHXI2kpEBSki5RTXFtxz1vo9+Cg==
— example.org/witness ys8uUAAAAAAAAATSftMzceM8zssdZ9jin9SjwIxzx9iADMf63VqirX2hafol9RsqNqbofIz0LVRqHXI2kpEBSki5RTXFtxz1vo9+Cg==
— example.org/witness-2 ys8uUAAAAAAAAATSftMzceM8zssdZ9jin9SjwIxzx9iADMf63VqirX2hafol9RsqNqbofIz0LVRqHXI2kpEBSki5RTXFtxz1vo9+Cg==
`,
    cosigners: [
      { name: 'example.org/witness', keyId: 'c97f2e50', timestamp: 1234 },
      {
        name: 'example.org/witness',
        keyId: 'cacf2e50',
        timestamp: 1234,
        verifierKey: 'example.org/witness+cacf2e50+BGbguFjkYqYJ5m/nE3DIFtiEb/ED1UmaIqf+w3/bxCSn',
      },
      { name: 'example.org/witness-2', keyId: 'cacf2e50', timestamp: 1234 },
    ],
  },
  {
    source: 'C2SP tlog-cosignature.md @01194db11950a0ae2b2b2401afa0a4063a822458',
    ...sofaHead,
    note: `${behindTheSofa}— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n`,
    cosigners: [{ name: 'witness.example.com/w1', keyId: '8d66cf3f', timestamp: 1679315147 }],
  },
]
