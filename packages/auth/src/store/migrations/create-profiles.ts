import { Migration } from '@mikro-orm/migrations'

export class CreateProfiles extends Migration {
  override up(): void {
    this.addSql(`create table auth_profile (
      user_id uuid primary key references auth_user (id) on delete cascade,
      first_name varchar(100) not null default '',
      last_name varchar(100) not null default '',
      bio text not null default '',
      location varchar(100) not null default '',
      marketing_consent boolean not null default false,
      marketing_consent_updated_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    )`)
    this.addSql(`create table auth_consent (
      id uuid primary key,
      user_id uuid not null references auth_user (id) on delete cascade,
      purpose varchar(64) not null,
      given boolean not null,
      version varchar(64) not null,
      decided_at timestamptz not null
    )`)
    this.addSql('create index auth_consent_user on auth_consent (user_id, id)')
    // By the database: an account that another version, a host's own code or a script adds has a profile as well.
    this.addSql(`create function auth_profile_of_new_user() returns trigger language plpgsql as $$
      begin
        insert into auth_profile (user_id) values (new.id) on conflict (user_id) do nothing;
        return null;
      end $$`)
    this.addSql(`create trigger auth_user_has_profile after insert on auth_user
      for each row execute function auth_profile_of_new_user()`)
    this.addSql('insert into auth_profile (user_id) select id from auth_user')
  }
}
