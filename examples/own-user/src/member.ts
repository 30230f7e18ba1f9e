import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { Migration } from '@mikro-orm/migrations'

/** An account as this application sees it: on the table of the accounts, with a field of its own. */
export const Member = defineEntity({
  name: 'Member',
  tableName: 'auth_user',
  properties: {
    id: p.uuid().primary(),
    email: p.string(),
    emailCanonical: p.string(),
    verifiedAt: p.datetime().nullable(),
    nickname: p.string().nullable(),
  },
})
export type Member = InferEntity<typeof Member>

/** Nullable: accounts come to be without it as well. */
export class AddNickname extends Migration {
  override up(): void {
    this.addSql('alter table auth_user add column nickname varchar(50)')
  }
}
