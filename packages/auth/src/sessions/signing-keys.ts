import { createPrivateKey, createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { type AuditTrail, isRowId, rowId } from '@countersign/core'
import type { Secrets } from '@countersign/core/keys'
import type { MikroORM } from '@mikro-orm/core'
import type { SqlEntityManager } from '@mikro-orm/postgresql'
import { type CryptoKey, exportJWK, generateKeyPair, generateSecret, type JWK } from 'jose'
import { Sealing } from '../store/sealing.js'
import type { Chore } from '../store/sweeper.js'

/** How access tokens may be signed: with a key pair whose public half is published, or with a shared secret. */
export type SigningAlgorithm = 'EdDSA' | 'ES256' | 'HS256'

/** A key that is known here. */
export interface SigningKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly signing: KeyObject
  readonly verifying: KeyObject
}

/** What {@link SigningKeys} works with. */
export interface SigningKeysParts {
  readonly orm: MikroORM
  readonly secrets: Secrets
  readonly algorithm: SigningAlgorithm
  /** Seconds that a key verifies after another one has taken its place. */
  readonly overlap: number
}

interface KeyRow {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly sealed_jwk: string
}

interface Replacement {
  /** A condition with one parameter. */
  readonly retiring: string
  readonly value: string | number | null
  /** Seconds. */
  readonly overlap: number
}

/** The keys of access tokens: one signs, those before it verify for a while. Shared by all processes. */
export class SigningKeys {
  readonly #parts: SigningKeysParts
  readonly #sealing: Sealing
  // As many as were made since the process began, and are good still.
  readonly #known = new Map<string, SigningKey>()

  constructor(parts: SigningKeysParts) {
    this.#parts = parts
    this.#sealing = new Sealing(parts.secrets, 'signing-key')
  }

  /**
   * The key that signs now; made where there is none, or none of the algorithm that is asked for.
   *
   * @param kid what {@link kidInForce} said a moment ago, which saves asking again
   */
  async current(kid?: string | null): Promise<SigningKey> {
    const known = kid && this.#known.get(kid)
    if (known && known.algorithm === this.#parts.algorithm) return known
    for (;;) {
      const [row] = await this.#rows('retired_at is null and algorithm = ?', this.#parts.algorithm)
      const key = row && this.#import(row)
      if (key) return key
      // Without a key, or with one that was sealed with a SECRET_KEY of before, nobody could log in. Of several
      // processes that find it so one makes the key, and none puts another one's aside.
      const overlap = row ? 0 : this.#parts.overlap
      await this.#replace({ retiring: 'kid = ?', value: row?.kid ?? null, overlap })
    }
  }

  /** The key of a token's `kid`; whether it still counts, {@link keyCounts} asks where the session is looked up. */
  async find(kid: unknown): Promise<SigningKey | null> {
    if (!isRowId(kid)) return null
    const known = this.#known.get(kid)
    if (known) return known
    const [row] = await this.#rows('kid = ? and (expires_at is null or expires_at > now())', kid)
    return row ? this.#import(row) : null
  }

  /** The public halves of all keys that count: a JWK set (RFC 7517). A shared secret is never in it. */
  async published(): Promise<{ readonly keys: JWK[] }> {
    const rows = await this.#execute<{ public_jwk: string }>(
      `select public_jwk from auth_signing_key
       where public_jwk is not null and (expires_at is null or expires_at > now()) order by kid desc`,
      [],
    )
    return { keys: rows.map(({ public_jwk }) => JSON.parse(public_jwk) as JWK) }
  }

  /**
   * Another key signs from now on. The one before goes on verifying for the overlap; with 0 none of its
   * tokens is worth anything from then on. Of parallel callers one makes the key.
   *
   * @param olderThan seconds: a key that is younger stays
   * @returns whether there is another key
   */
  async rotate({ overlap = this.#parts.overlap, olderThan = 0 } = {}): Promise<boolean> {
    return this.#replace({ retiring: 'created_at <= now() - make_interval(secs => ?)', value: olderThan, overlap })
  }

  /** Whether the key that signs now has done so for that many seconds. */
  async isOlderThan(seconds: number): Promise<boolean> {
    const old = await this.#rows('retired_at is null and created_at <= now() - make_interval(secs => ?)', seconds)
    return old.length > 0
  }

  /** Forgets the keys that count no more. */
  async prune(): Promise<void> {
    const gone = await this.#execute<{ kid: string }>(
      'delete from auth_signing_key where expires_at <= now() returning kid',
      [],
    )
    for (const { kid } of gone) this.#known.delete(kid)
  }

  /** Makes a key, where the one that signs is of another algorithm, or is one that `retiring` says, or is not there. */
  async #replace({ retiring, value, overlap }: Replacement): Promise<boolean> {
    const fresh = await this.#make()
    return this.#parts.orm.em.fork().transactional(async (em) => {
      const sql = em as SqlEntityManager
      await sql.execute(
        `update auth_signing_key set retired_at = now(), expires_at = now() + make_interval(secs => ?)
         where retired_at is null and (algorithm <> ? or ${retiring})`,
        [overlap, fresh.algorithm, value],
      )
      const made = await sql.execute<unknown[]>(
        `insert into auth_signing_key (kid, algorithm, public_jwk, sealed_jwk, created_at)
         values (?, ?, ?, ?, now()) on conflict ((true)) where retired_at is null do nothing returning kid`,
        [fresh.kid, fresh.algorithm, fresh.publicJwk, fresh.sealedJwk],
      )
      return made.length > 0
    })
  }

  async #make() {
    const { algorithm } = this.#parts
    const kid = rowId()
    const { secret, pair } =
      algorithm === 'HS256'
        ? { secret: await generateSecret(algorithm, { extractable: true }), pair: null }
        : { secret: null, pair: await generateKeyPair(algorithm, { extractable: true }) }
    const own = { kid, alg: algorithm, use: 'sig' }
    const whole = { ...(await exportJWK((secret ?? pair?.privateKey) as CryptoKey)), ...own }
    const half = pair && { ...(await exportJWK(pair.publicKey)), ...own }
    return {
      kid,
      algorithm,
      publicJwk: half && JSON.stringify(half),
      sealedJwk: this.#sealing.seal(JSON.stringify(whole), kid),
    }
  }

  #import({ kid, algorithm, sealed_jwk }: KeyRow): SigningKey | null {
    const known = this.#known.get(kid)
    if (known) return known
    const whole = this.#open(sealed_jwk, kid)
    // The algorithm stands unsealed beside it.
    if (whole?.alg !== algorithm) return null
    const signing = keyOf(whole)
    const verifying = signing.type === 'secret' ? signing : createPublicKey(signing)
    const key = { kid, algorithm, signing, verifying }
    this.#known.set(kid, key)
    return key
  }

  /** A key that was sealed with a SECRET_KEY of before is no key any more. */
  #open(sealed: string, kid: string): JWK | null {
    try {
      return JSON.parse(this.#sealing.open(sealed, kid)) as JWK
    } catch {
      return null
    }
  }

  #rows(condition: string, value: string | number): Promise<KeyRow[]> {
    return this.#execute<KeyRow>(`select kid, algorithm, sealed_jwk from auth_signing_key where ${condition}`, [value])
  }

  #execute<Row>(statement: string, values: unknown[]): Promise<Row[]> {
    return (this.#parts.orm.em.fork() as SqlEntityManager).execute<Row[]>(statement, values)
  }
}

function keyOf(jwk: JWK): KeyObject {
  if (jwk.kty === 'oct') return createSecretKey(jwk.k as string, 'base64url')
  return createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' })
}

/**
 * The `kid` of the key that signs now, in a statement that is made anyway; null where there is none. A key that is taken
 * back while the statement waits signs a token that counts for nothing.
 */
export const kidInForce = '(select kid from auth_signing_key where retired_at is null)'

/** The condition that the key of a `kid`, which is a parameter of the statement, has not been taken back. */
export function keyCounts(kid: string): string {
  return `exists (select from auth_signing_key where kid = ${kid} and (expires_at is null or expires_at > now()))`
}

/** Puts another key in the place of one that has grown old, and forgets those that count no more. */
export function keyRotation(keys: SigningKeys, trail: Pick<AuditTrail, 'record'>, afterDays: number): Chore {
  return {
    name: 'key rotation',
    async run() {
      if (await keys.isOlderThan(afterDays * 86_400)) {
        const rotated = await keys.rotate({ olderThan: afterDays * 86_400 })
        if (rotated) await recordRotation(trail)
      }
      await keys.prune()
    },
  }
}

/** Leaves the row of a key that was put in another one's place. */
async function recordRotation(trail: Pick<AuditTrail, 'record'>): Promise<void> {
  const actor = { type: 'service', id: 'signing-keys' } as const
  await trail.record('admin_action', { actor, details: { action: 'signing_key_rotation' } })
}
