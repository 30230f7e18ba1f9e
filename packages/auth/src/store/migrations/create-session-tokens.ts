import { Migration } from '@mikro-orm/migrations'

/** Refresh tokens, the keys that sign access tokens, and sessions that end when nobody uses them. */
export class CreateSessionTokens extends Migration {
  override up(): void {
    this.addSql(`alter table auth_session
      add column seen_at timestamptz not null default now(),
      add column idle_until timestamptz not null default 'infinity',
      add column authenticated_at timestamptz not null default now(),
      add column amr varchar(64) not null default 'pwd'`)
    this.addSql(`update auth_session
      set seen_at = created_at, idle_until = expires_at, authenticated_at = created_at`)
    this.addSql('alter table auth_session alter column idle_until drop default')
    this.addSql(
      'create index auth_session_ending on auth_session (least(expires_at, idle_until)) where ended_at is null',
    )
    this.addSql('create index auth_session_ended on auth_session (ended_at) where ended_at is not null')
    this.addSql(`create table auth_refresh_token (
      token_hash varchar(64) primary key,
      parent_hash varchar(64),
      session_id uuid not null references auth_session (id) on delete cascade,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      used_at timestamptz
    )`)
    this.addSql('create index auth_refresh_token_session on auth_refresh_token (session_id, created_at)')
    this.addSql('create index auth_refresh_token_expiry on auth_refresh_token (expires_at)')
    this.addSql(`create table auth_signing_key (
      kid uuid primary key,
      algorithm varchar(16) not null,
      public_jwk text,
      sealed_jwk text not null,
      created_at timestamptz not null,
      retired_at timestamptz,
      expires_at timestamptz
    )`)
    // One key signs at a time, whichever process makes it.
    this.addSql('create unique index auth_signing_key_current on auth_signing_key ((true)) where retired_at is null')
  }
}
