import {
  type Digest,
  fullSubtrees,
  leafOf,
  rangeRoot,
  type SubtreeRange,
  type SubtreeReader,
} from '@countersign/core/evidence'
import type { SqlClient } from '../sql-client.js'
import { digestOfHex } from './log-leaves.js'

/** Reads subtrees as the store keeps them: leaves, and the nodes of every eighth level. */
export function subtreeReader(client: Pick<SqlClient, 'query'>): SubtreeReader {
  return ({ level, from, to }) => (level === 0 ? leaves(client, { from, to }) : nodes(client, { level, from, to }))
}

/** The full subtrees that a run of leaves is made of, from left to right, each with its height and its root. */
export async function subtreeRoots(
  from: number,
  to: number,
  read: SubtreeReader,
): Promise<Array<{ level: number; hash: Digest }>> {
  const roots: Array<{ level: number; hash: Digest }> = []
  for (const { from: first, span } of fullSubtrees(from, to))
    roots.push({ level: Math.log2(span), hash: await rangeRoot(first, first + span, read) })
  return roots
}

async function leaves(client: Pick<SqlClient, 'query'>, { from, to }: Omit<SubtreeRange, 'level'>): Promise<Digest[]> {
  const found = await client.query<{ id: string; content: string }>(
    `select row_id as id, encode(content, 'hex') as content from audit_leaf
    where leaf_index >= $1 and leaf_index < $2 order by leaf_index`,
    [from, to],
  )
  return found.map(({ id, content }) => leafOf(id, digestOfHex(content)))
}

async function nodes(client: Pick<SqlClient, 'query'>, { level, from, to }: SubtreeRange): Promise<Digest[]> {
  const found = await client.query<{ hash: string }>(
    `select encode(hash, 'hex') as hash from audit_node
    where level = $1 and node_index >= $2 and node_index < $3 order by node_index`,
    [level, from, to],
  )
  return found.map(({ hash }) => digestOfHex(hash))
}
