import { Migration } from '@mikro-orm/migrations'

export class CreateLockouts extends Migration {
  override up(): void {
    this.addSql(`create table auth_lockout (
      key varchar(64) primary key,
      id uuid not null,
      kind varchar(16) not null,
      user_id uuid,
      claimed integer not null,
      failed integer not null,
      since timestamptz not null,
      locked_until timestamptz
    )`)
    this.addSql('create index auth_lockout_user on auth_lockout (user_id)')
    this.addSql('create index auth_lockout_locked on auth_lockout (locked_until)')
  }
}
