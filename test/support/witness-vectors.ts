import { torchwoodCheckpoints } from './note-vectors.js'

// What a witness, its client and its keys have to read and to refuse, as others published it, each with its source.

const goNoteTest = 'golang/mod sumdb/note/note_test.go @02c991387e35f9e4c0a9b7ce137717055f8d716d'
const goTreeTest = 'golang/mod sumdb/tlog/note_test.go @774e77886cf18ba9e220baec8497d65b0c50373f'
const formatsCosignatureTest =
  'transparency-dev/formats note/note_cosigv1_test.go @091ce41666c09683aa9350785e572be27f0c026d'
const formatsCheckpointTest =
  'transparency-dev/formats log/checkpoint_test.go @7a6ef700ee5660b2580c9da92063af300820fdee'
const formatsNoteTest = 'transparency-dev/formats log/note_test.go @5242c17862d31acd165afafa140ecc973a621469'
const torchwoodWitnessTest =
  'FiloSottile/torchwood internal/witness/witness_test.go @1cadf595db2171199e1711057e2f3b7962a5a416'
const c2spWitness = 'C2SP tlog-witness.md @055270b5928827a49ee84620903e141c2e97d79f'

const peterKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const peterSigner = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz'
const enochKey = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop'

const wrongKeyMaterial =
  'AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNhtmPtrWm3U1eQXBogSMdGvXwBcK5AW5i0hrZLOC96l+smGNM7nwZ4QvFK/4sueRoVj//QP22Ni4Qt9DPfkWLc='

export const malformedVerifierKeys: ReadonlyArray<{ source: string; why: string; verifierKey: string }> = [
  {
    source: `${goNoteTest} TestNewVerifier`,
    why: 'a key of the wrong length under the right key ID',
    verifierKey: 'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==',
  },
  {
    source: `${goNoteTest} TestNewVerifier`,
    why: 'an unknown signature type under the right key ID',
    verifierKey: 'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  },
  {
    source: `${formatsCosignatureTest} TestCoSigV1NewVerifier`,
    why: 'two parts',
    verifierKey: 'bananas.sigstore.dev+12344556',
  },
  {
    source: `${formatsCosignatureTest} TestCoSigV1NewVerifier`,
    why: 'no base64',
    verifierKey: 'rekor.sigstore.dev+12345678+THIS_IS_NOT_BASE64!',
  },
  {
    source: `${formatsCosignatureTest} TestCoSigV1NewVerifier`,
    why: 'an unknown signature type',
    verifierKey: 'rekor.sigstore.dev+12345678+AwEB',
  },
  {
    source: `${formatsCosignatureTest} TestCoSigV1NewVerifier`,
    why: 'a key ID that is no number',
    verifierKey: `rekor.sigstore.dev+NOT_A_NUMBER+${wrongKeyMaterial}`,
  },
  {
    source: `${formatsCosignatureTest} TestCoSigV1NewVerifier`,
    why: 'the key ID of another key',
    verifierKey: `rekor.sigstore.dev+00000000+${wrongKeyMaterial}`,
  },
]

/** Keys alone: the base64 of some has a plus sign, which also parts the fields; type 4 is a cosigner's. */
export const verifierKeys: ReadonlyArray<{ source: string; verifierKey: string; signerKey?: string; type: 1 | 4 }> = [
  { source: goNoteTest, verifierKey: peterKey, signerKey: peterSigner, type: 1 },
  { source: goNoteTest, verifierKey: enochKey, type: 1 },
  {
    source: `${formatsCosignatureTest} TestCoSigV1NewVerifier`,
    verifierKey: 'TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6',
    type: 1,
  },
  {
    source: `${formatsCosignatureTest} TestCoSigV1NewVerifier`,
    verifierKey: 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2',
    type: 4,
  },
  {
    source: 'sigsum/sigsum-go pkg/checkpoint/verifier_test.go @51a2d470dacb11246c66d1be65f6fab731e9b179',
    verifierKey: 'example.org/key+57bfe580+BAFFLINGNESS+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    type: 4,
  },
  {
    source: 'transparency-dev/formats witness/witness_test.go @1c29105e5e3b3c579246524e2027c442b6e75749',
    verifierKey: 'Wit1+55ee4561+AVhZSmQj9+SoL+p/nN0Hh76xXmF7QcHfytUrI1XfSClk',
    signerKey: 'PRIVATE+KEY+Wit1+55ee4561+AeadRiG7XM4XiieCHzD8lxysXMwcViy5nYsoXURWGrlE',
    type: 1,
  },
  {
    source: formatsNoteTest,
    verifierKey: 'Log+2271c621+AemuH5ooBpEPcr+W8onrjA1NfuzBVHdezakU81Ekarvs',
    signerKey: 'PRIVATE+KEY+Log+2271c621+AdEIq9FLRQni54Wg68T96VJO+iayOaulswav2DUMKgvQ',
    type: 1,
  },
]

/** Texts of checkpoints, unsigned. */
export const checkpointTexts: ReadonlyArray<{
  source: string
  origin: string
  size: number
  rootBase64: string
  extensions: readonly string[]
  text: string
}> = [
  {
    source: `${goTreeTest} TestFormatTree`,
    origin: 'go.sum database tree',
    size: 123456789012,
    rootBase64: 'TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=',
    extensions: [],
    text: 'go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n',
  },
  {
    source: `${goTreeTest} TestParseTree: good trees`,
    origin: 'go.sum database tree',
    size: 123456789012,
    rootBase64: 'TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=',
    extensions: ['JOE'],
    text: 'go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\nJOE\n',
  },
]

/** The root hash of the texts of `transparency-dev/formats` is no SHA-256, so a strict reader refuses them twice over. */
export const malformedCheckpointTexts: ReadonlyArray<{ source: string; why: string; text: string }> = [
  {
    source: `${goTreeTest} TestParseTree: bad trees`,
    why: 'a size that is not decimal',
    text: 'go.sum database tree\n0xabcdef\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n',
  },
  {
    source: `${goTreeTest} TestParseTree: bad trees`,
    why: 'a root hash that is too long',
    text: 'go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBTOOBIG=\n',
  },
  { source: formatsCheckpointTest, why: 'insufficient lines', text: 'Head\n9944\n' },
  {
    source: formatsCheckpointTest,
    why: 'empty header',
    text: '\n9944\ndGhlIHZpZXcgZnJvbSB0aGUgdHJlZSB0b3BzIGlzIGdyZWF0IQ==\n',
  },
  { source: formatsCheckpointTest, why: 'missing newline on roothash', text: 'Log\n123\nYmFuYW5hcw==' },
  {
    source: formatsCheckpointTest,
    why: 'size not a number',
    text: 'Log\nbananas\ndGhlIHZpZXcgZnJvbSB0aGUgdHJlZSB0b3BzIGlzIGdyZWF0IQ==\n',
  },
  {
    source: formatsCheckpointTest,
    why: 'size negative',
    text: 'Log\n-34\ndGhlIHZpZXcgZnJvbSB0aGUgdHJlZSB0b3BzIGlzIGdyZWF0IQ==\n',
  },
  {
    source: formatsCheckpointTest,
    why: 'size too large',
    text: 'Log\n3438945738945739845734895735\ndGhlIHZpZXcgZnJvbSB0aGUgdHJlZSB0b3BzIGlzIGdyZWF0IQ==\n',
  },
  { source: formatsCheckpointTest, why: 'roothash not base64', text: "Log\n123\nThisIsn'tBase64\n" },
]

export interface AddCheckpointRequest {
  readonly source: string
  readonly oldSize: number
  /** Base64, as on the lines. */
  readonly proof: readonly string[]
  readonly checkpoint: string
  readonly body: string
}

function request(source: string, oldSize: number, proof: readonly string[], checkpoint: string): AddCheckpointRequest {
  const lines = proof.map((hash) => `${hash}\n`).join('')
  return { source, oldSize, proof, checkpoint, body: `old ${oldSize}\n${lines}\n${checkpoint}` }
}

const { first, third, fifth } = torchwoodCheckpoints

/** A witness that trusts the log's key takes the first, and after it either of the others: their proofs hold. */
export const addCheckpointRequests: readonly AddCheckpointRequest[] = [
  request(`${torchwoodWitnessTest} TestRace`, 0, [], first.note),
  request(
    `${torchwoodWitnessTest} TestRace`,
    1,
    ['KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', 'KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='],
    third.note,
  ),
  request(
    `${torchwoodWitnessTest} TestRace`,
    1,
    [
      'KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
      '+fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=',
      'KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    ],
    fifth.note,
  ),
]

/** 64 lines of proof: a bad request. */
export const requestOfTooManyHashes = request(
  `${torchwoodWitnessTest} TestTooManyProofs`,
  0,
  Array.from({ length: 64 }, () => 'KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='),
  first.note,
)

/** The form alone: its keys are not published. */
export const exampleRequest = request(
  c2spWitness,
  20852014,
  [
    'PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=',
    'jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=',
    '5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=',
    '/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=',
  ],
  `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
`,
)

/** The form alone, with 200: the keys of the witnesses are not published. */
export const exampleResponse = {
  source: c2spWitness,
  body: `— witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==
— witness.example/w1 I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL0+UfzuOBMh9ChdMkP1vi/lCAsmlw==
— witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU3rXXvpysAdyP3wQ==
`,
}

const conflict = (contentType: string, body: string, size: number | undefined) => ({
  source:
    'sigsum/sigsum-go pkg/client/client_test.go @f995a73087de97e6fb2e3d241f864485c42984df TestProcessConflictResponse',
  contentType,
  body,
  size,
})

/** Answers with 409, and the size that a client of Sigsum reads in each: undefined where it reads none. */
export const conflictResponses = [
  conflict('text/plain', '10', undefined),
  conflict('text/x.tlog.size', '', undefined),
  conflict('text/x.tlog.size', '0\n', 0),
  conflict('text/x.tlog.size', '50\n', 50),
  conflict('text/x.tlog.size', '50', undefined),
  conflict('text/x.tlog.size', '050\n', undefined),
  conflict('text/x.tlog.size; charset=utf8', '51\n', undefined),
]
