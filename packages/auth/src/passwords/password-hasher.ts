import { AuditError } from '@countersign/core'
import { hash, verify } from '@node-rs/argon2'

/** How passwords become hashes. Passwords come in NFC and are never longer than the policy lets them be. */
export interface PasswordHasher {
  /** A text that tells its algorithm and parameters. */
  hash(password: string): Promise<string>
  verify(passwordHash: string, password: string): Promise<boolean>
  /** Whether a hash is weaker than those that are made now; its password gets another one at its next login. */
  needsRehash(passwordHash: string): boolean
}

/** What an argon2id hash costs: memory in KiB, passes, lanes. */
export interface Argon2idCost {
  readonly memoryCost: number
  readonly timeCost: number
  readonly parallelism: number
}

/** The least that OWASP and ASVS 5.0 ask for. */
export const defaultArgon2idCost: Argon2idCost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

const written = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$/

/**
 * argon2id, as PHC strings.
 *
 * @throws AuditError `SETTING_INVALID` for less than {@link defaultArgon2idCost}
 * @example
 * const passwordHasher = argon2idHasher({ memoryCost: 65_536, timeCost: 3, parallelism: 1 })
 */
export function argon2idHasher(cost: Argon2idCost = defaultArgon2idCost): PasswordHasher {
  assertCostly(cost)
  return {
    hash: (password) => hash(password, cost),
    verify: (passwordHash, password) => verify(passwordHash, password),
    needsRehash(passwordHash) {
      const [, memory, time] = written.exec(passwordHash) ?? []
      return memory === undefined || Number(memory) < cost.memoryCost || Number(time) < cost.timeCost
    },
  }
}

function assertCostly(cost: Argon2idCost): void {
  for (const [name, least] of Object.entries(defaultArgon2idCost)) {
    const given = cost[name as keyof Argon2idCost]
    if (Number.isInteger(given) && given >= least) continue
    throw new AuditError(
      'SETTING_INVALID',
      `${name} of argon2id must be a whole number of at least ${least}, and was ${given}.`,
    )
  }
}
