import { limitTable } from '@countersign/adapters/rate-limiter-flexible'
import { Migration } from '@mikro-orm/migrations'

export class CreateAccounts extends Migration {
  override up(): void {
    this.addSql(`create table auth_user (
      id uuid primary key,
      email varchar(320) not null,
      email_canonical varchar(320) not null unique,
      password_hash text,
      is_admin boolean not null default false,
      token_version integer not null default 0,
      created_at timestamptz not null,
      verified_at timestamptz,
      disabled_at timestamptz,
      last_login_at timestamptz
    )`)
    this.addSql(`create table auth_session (
      id uuid primary key,
      user_id uuid not null references auth_user (id) on delete cascade,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      ended_at timestamptz,
      address varchar(64),
      user_agent varchar(512),
      remember boolean not null default false
    )`)
    this.addSql('create index auth_session_user on auth_session (user_id)')
    this.addSql(`create table auth_one_time_token (
      token_hash varchar(64) primary key,
      purpose varchar(64) not null,
      user_id uuid not null references auth_user (id) on delete cascade,
      password_hash text,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      used_at timestamptz
    )`)
    this.addSql('create index auth_one_time_token_user on auth_one_time_token (user_id)')
    this.addSql(`create table auth_mail (
      id uuid primary key,
      recipient varchar(320) not null,
      subject text not null,
      text text not null,
      html text not null,
      created_at timestamptz not null
    )`)
    this.addSql(limitTable)
  }
}
