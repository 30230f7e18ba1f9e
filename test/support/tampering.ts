import { rowId } from '@countersign/core'
import { type FindingKind, newSigningKey, noteSigner, sha256, signCheckpoint } from '@countersign/core/evidence'
import { origin } from './logs.js'
import type { Random } from './seeded-random.js'

/** A way of tampering with a database: the statements, and what it should be called. */
export interface Tampering {
  readonly what: string
  readonly statements: readonly string[]
  readonly named: readonly FindingKind[]
}

/** What there is to tamper with. */
export interface Tamperable {
  /** Rows that are there and not erased, of one month each. */
  readonly rows: ReadonlyArray<{ readonly id: string; readonly leaf: number; readonly month: string }>
  readonly erased: readonly string[]
  readonly leaves: number
  /** Leaves whose rows are there. */
  readonly checkpoints: readonly number[]
}

type Maker = (log: Tamperable, random: Random) => Tampering

const pick = <Item>(items: readonly Item[], random: Random): Item => items[random(items.length)] as Item

function two(log: Tamperable, random: Random): [Tamperable['rows'][number], Tamperable['rows'][number]] {
  for (;;) {
    const [a, b] = [pick(log.rows, random), pick(log.rows, random)]
    if (a.id !== b.id && a.month === b.month) return [a, b]
  }
}

const changes: readonly string[] = [
  "outcome = case outcome when 'success' then 'denied' else 'success' end",
  "event = event || 'x'",
  "reason = coalesce(reason, '') || 'x'",
  "actor_id = coalesce(actor_id, '') || '1'",
  "subject_id = 'somebody-else'",
  'status = coalesce(status, 0) + 1',
  "occurred_at = occurred_at + interval '1 microsecond'",
  'duration_ms = duration_ms + 0.001',
  "class_name = 'Other'",
  'repeat_count = coalesce(repeat_count, 0) + 1',
  "tenant = coalesce(tenant, '') || ' '",
  "severity = 'critical'",
  'event_version = event_version + 1',
  '"limit" = coalesce("limit", 0) + 1',
  "actor_label = coalesce(actor_label, '') || 'x'",
  "on_behalf_of = '{}'",
  "attempted_hash = coalesce(attempted_hash, '') || 'A'",
  'attempted_masked = null',
  "session_id = 'another'",
  "address = '198.51.100.7'",
  'address = set_masklen(address, 24)',
  "proxy_chain = '[]'",
  "user_agent = coalesce(user_agent, '') || '.'",
  'device = \'{"os": "Plan 9"}\'',
  'details = details || \'{"a": 1}\'',
  'salt = set_bit(salt, 3, 1 - get_bit(salt, 3))',
  'salt = null',
]

// All but the name: the log's own rows are of other events than the rest, with a subject, and no attempted name.
const swapped = `occurred_at, event, event_version, outcome, reason, severity, actor_type, actor_id, actor_label,
  on_behalf_of, subject_type, subject_id, attempted_hash, attempted_masked, class_name, method_name, tenant, session_id,
  request_id, address, proxy_chain, user_agent, device, http_method, route, status, duration_ms, scope, "limit",
  retry_after, details, repeat_count, first_at, last_at, salt`

/** A copy of a row under another id, and of another actor. */
function forging(row: Tamperable['rows'][number], id: string, more = ''): string[] {
  return [
    `create temp table forged as select * from audit_event where id = '${row.id}'`,
    `update forged set id = '${id}', actor_id = 'framed'${more}`,
    'select audit_ensure_partitions()',
    'insert into audit_event select * from forged',
    'drop table forged',
  ]
}

const makers: Readonly<Record<string, Maker>> = {
  'a value of a row': ({ rows }, random) => {
    const [row, change] = [pick(rows, random), pick(changes, random)]
    return {
      what: `${change} of leaf ${row.leaf}`,
      statements: [`update audit_event set ${change} where id = '${row.id}'`],
      named: ['altered'],
    }
  },
  'a row that is taken away': ({ rows }, random) => {
    const row = pick(rows, random)
    return {
      what: `leaf ${row.leaf}`,
      statements: [`delete from audit_event where id = '${row.id}'`],
      named: ['removed'],
    }
  },
  'a row that did not come as rows do': ({ rows }, random) => {
    const [row, id] = [pick(rows, random), rowId()]
    return {
      what: `${id} beside ${row.id}`,
      statements: forging(row, id),
      named: ['forged'],
    }
  },
  'such a row, of a transaction that has not begun': ({ rows }, random) => {
    const [row, id] = [pick(rows, random), rowId()]
    const ahead = `(pg_current_xact_id()::text::bigint + ${1 + random(1e9)})::text::xid8`
    return {
      what: `${id} beside ${row.id}`,
      statements: forging(row, id, `, xact = ${ahead}`),
      named: ['forged'],
    }
  },
  'such a row, with a leaf before the first': ({ rows }, random) => {
    const [row, id] = [pick(rows, random), rowId()]
    return {
      what: `${id} beside ${row.id}`,
      statements: [...forging(row, id), `insert into audit_leaf values (-1, '${id}', sha256('forged'))`],
      named: ['forged'],
    }
  },
  'two rows that change places': (log, random) => {
    const [a, b] = two(log, random)
    return {
      what: `${a.id} and ${b.id}`,
      statements: [
        `update audit_event e set (${swapped}) = (select ${swapped} from audit_event o
          where o.id = case e.id when '${a.id}' then '${b.id}'::uuid else '${a.id}'::uuid end)
        where e.id in ('${a.id}', '${b.id}')`,
      ],
      named: ['reordered'],
    }
  },
  'an erasure without a receipt': ({ rows }, random) => {
    const row = pick(rows, random)
    return {
      what: `leaf ${row.leaf}`,
      statements: [
        `update audit_event set actor_label = null, on_behalf_of = null, attempted_hash = null, attempted_masked = null,
          session_id = null, address = null, proxy_chain = null, user_agent = null, device = null, details = '{}',
          salt = null, erased_at = now() where id = '${row.id}'`,
      ],
      named: ['altered'],
    }
  },
  'a value put into an erased row': ({ erased }, random) => {
    const id = pick(erased, random)
    const change = pick(
      ["address = '192.0.2.9'", 'details = \'{"a":1}\'', "outcome = 'denied'", 'erased_at = null'],
      random,
    )
    return {
      what: `${change} of ${id}`,
      statements: [`update audit_event set ${change} where id = '${id}'`],
      named: ['altered'],
    }
  },
  'the digest of an erased row': ({ erased }, random) => {
    const id = pick(erased, random)
    const bit = random(256)
    return {
      what: `bit ${bit} of ${id}`,
      statements: [
        `update audit_erased set personal = set_bit(personal, ${bit}, 1 - get_bit(personal, ${bit})) where row_id = '${id}'`,
      ],
      named: ['altered'],
    }
  },
  'a bit of a leaf': ({ rows }, random) => {
    const [row, bit] = [pick(rows, random), random(256)]
    return {
      what: `bit ${bit} of leaf ${row.leaf}`,
      statements: [
        `update audit_leaf set content = set_bit(content, ${bit}, 1 - get_bit(content, ${bit})) where leaf_index = ${row.leaf}`,
      ],
      named: ['altered'],
    }
  },
  'the name of a leaf': ({ rows }, random) => {
    const row = pick(rows, random)
    return {
      what: `leaf ${row.leaf}`,
      statements: [`update audit_leaf set row_id = '${rowId()}' where leaf_index = ${row.leaf}`],
      named: ['altered'],
    }
  },
  'a leaf that is taken away': ({ leaves }, random) => {
    const leaf = random(leaves - 1)
    return {
      what: `leaf ${leaf}`,
      statements: [`delete from audit_leaf where leaf_index = ${leaf}`],
      named: ['removed'],
    }
  },
  'a leaf that is taken away with its row': ({ rows, leaves }, random) => {
    const row = pick(
      rows.filter(({ leaf }) => leaf < leaves - 1),
      random,
    )
    return {
      what: `leaf ${row.leaf}`,
      statements: [
        `delete from audit_leaf where leaf_index = ${row.leaf}`,
        `delete from audit_event where id = '${row.id}'`,
      ],
      named: ['removed'],
    }
  },
  'the last leaves': ({ leaves }, random) => {
    const left = leaves - 1 - random(20)
    return {
      what: `all from ${left}`,
      statements: [`delete from audit_leaf where leaf_index >= ${left}`],
      named: ['truncated'],
    }
  },
  'the last rows and their leaves': ({ leaves }, random) => {
    const left = leaves - 1 - random(20)
    return {
      what: `all from ${left}`,
      statements: [
        `delete from audit_event where id in (select row_id from audit_leaf where leaf_index >= ${left})`,
        `delete from audit_leaf where leaf_index >= ${left}`,
      ],
      named: ['truncated'],
    }
  },
  'a leaf that nobody signed': ({ leaves }, random) => ({
    what: `leaf ${leaves}`,
    // Whoever waits for all leaves before the last of these waits for ever.
    statements: [
      `insert into audit_leaf values (${leaves + pick([0, 1, 2, 1e15], random)}, '${rowId()}', sha256('forged'))`,
    ],
    named: ['forged'],
  }),
  'two leaves that change places': (log, random) => {
    const [a, b] = two(log, random)
    return {
      what: `leaves ${a.leaf} and ${b.leaf}`,
      statements: [
        `update audit_leaf set leaf_index = -1 where leaf_index = ${a.leaf}`,
        `update audit_leaf set leaf_index = ${a.leaf} where leaf_index = ${b.leaf}`,
        `update audit_leaf set leaf_index = ${b.leaf} where leaf_index = -1`,
      ],
      named: ['reordered'],
    }
  },
  'the contents of two leaves': (log, random) => {
    const [a, b] = two(log, random)
    return {
      what: `leaves ${a.leaf} and ${b.leaf}`,
      statements: [
        `update audit_leaf l set content = (select content from audit_leaf o
          where o.leaf_index = case l.leaf_index when ${a.leaf} then ${b.leaf} else ${a.leaf} end)
        where l.leaf_index in (${a.leaf}, ${b.leaf})`,
      ],
      named: ['reordered'],
    }
  },
  'a row and its leaf, changed together': ({ rows }, random) => {
    const row = pick(rows, random)
    return {
      what: `leaf ${row.leaf}`,
      statements: [
        `update audit_event set outcome = 'denied', reason = 'made_up' where id = '${row.id}'`,
        // What only whoever reads this format can do: the leaf says what the row says now. See the test.
        `update audit_leaf set content = :content where leaf_index = ${row.leaf}`,
      ],
      named: ['altered'],
    }
  },
  'a bit of a checkpoint': ({ checkpoints }, random) => {
    const size = pick(checkpoints, random)
    const place = random(100)
    return {
      what: `character ${place} of the checkpoint of ${size}`,
      statements: [
        `update audit_checkpoint set note = overlay(note placing
          chr(case when ascii(substr(note, ${place} + 1, 1)) # 1 between 33 and 126 then ascii(substr(note, ${place} + 1, 1)) # 1 else 63 end)
          from ${place} + 1 for 1) where tree_size = ${size}`,
      ],
      named: ['forged'],
    }
  },
  'what is kept beside a checkpoint': ({ checkpoints }, random) => {
    const size = pick(checkpoints, random)
    const bit = random(256)
    const change = pick(
      [
        `root_hash = set_bit(root_hash, ${bit}, 1 - get_bit(root_hash, ${bit}))`,
        `tree_size = ${size} + 1000000 + ${bit}`,
      ],
      random,
    )
    return {
      what: `${change} of ${size}`,
      statements: [`update audit_checkpoint set ${change} where tree_size = ${size}`],
      named: ['altered'],
    }
  },
  'a checkpoint that is taken away': ({ checkpoints }, random) => {
    const size = pick(checkpoints.slice(0, -1), random)
    return {
      what: `of ${size}`,
      statements: [`delete from audit_checkpoint where tree_size = ${size}`],
      named: ['removed'],
    }
  },
  'the last checkpoint': ({ checkpoints }) => ({
    what: `of ${checkpoints.at(-1)}`,
    statements: [`delete from audit_checkpoint where tree_size = ${checkpoints.at(-1)}`],
    named: ['truncated'],
  }),
  'a checkpoint by another key': ({ leaves, checkpoints }, random) => {
    const stranger = noteSigner(newSigningKey(origin))
    const size = leaves + 1 + random(5)
    const note = signCheckpoint({ origin, size, root: sha256('forged'), previous: checkpoints.at(-1) ?? 0 }, stranger)
    return {
      what: `of ${size}`,
      statements: [`insert into audit_checkpoint values (${size}, sha256('forged'), '${note}')`],
      named: ['forged'],
    }
  },
  'the notes of two checkpoints': ({ checkpoints }, random) => {
    const a = pick(checkpoints, random)
    const b = pick(
      checkpoints.filter((size) => size !== a),
      random,
    )
    return {
      what: `of ${a} and ${b}`,
      statements: [
        `update audit_checkpoint c set note = (select note from audit_checkpoint o
          where o.tree_size = case c.tree_size when ${a} then ${b} else ${a} end) where c.tree_size in (${a}, ${b})`,
      ],
      named: ['altered'],
    }
  },
  'a receipt that comes twice': (_log, random) => {
    const kind = pick(['key', 'erasure', 'retention'], random)
    return {
      what: kind,
      statements: [
        `insert into audit_receipt select '${rowId()}', kind, tree_size, note from audit_receipt
          where kind = '${kind}' order by id limit 1`,
      ],
      named: ['forged'],
    }
  },
  'a node of the tree': (_log, random) => {
    const bit = random(256)
    return {
      what: `bit ${bit} of a stored node`,
      statements: [`update audit_node set hash = set_bit(hash, ${bit}, 1 - get_bit(hash, ${bit}))`],
      named: ['altered'],
    }
  },
}

/** Every way of tampering, by its name. */
export const tamperings: ReadonlyArray<{ readonly name: string; readonly make: Maker }> = Object.entries(makers).map(
  ([name, make]) => ({ name, make }),
)
