import { Migration } from '@mikro-orm/migrations'

export class CreateShortLivedState extends Migration {
  override up(): void {
    this.addSql(`create table auth_short_lived (
      key varchar(255) primary key,
      value text,
      counted integer not null default 0,
      expires_at timestamptz not null
    )`)
    this.addSql('create index auth_short_lived_expiry on auth_short_lived (expires_at)')
  }
}
