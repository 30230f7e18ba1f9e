import { Migration } from '@mikro-orm/migrations'

export class CreateSecondFactors extends Migration {
  override up(): void {
    this.addSql(`create table auth_second_factor (
      user_id uuid primary key references auth_user (id) on delete cascade,
      secret text,
      enabled_at timestamptz,
      offered_secret text,
      offered_at timestamptz,
      last_step integer,
      failures integer not null default 0,
      failures_until timestamptz,
      failures_in_a_row integer not null default 0
    )`)
    this.addSql(`create table auth_backup_code (
      code_hash varchar(64) primary key,
      user_id uuid not null references auth_user (id) on delete cascade,
      created_at timestamptz not null,
      used_at timestamptz
    )`)
    this.addSql('create index auth_backup_code_user on auth_backup_code (user_id)')
  }
}
