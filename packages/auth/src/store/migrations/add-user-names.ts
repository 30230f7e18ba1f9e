import { Migration } from '@mikro-orm/migrations'

export class AddUserNames extends Migration {
  override up(): void {
    this.addSql('alter table auth_user add column username varchar(32)')
    this.addSql('alter table auth_user add column username_canonical varchar(32) unique')
    this.addSql('alter table auth_one_time_token add column username varchar(32)')
    this.addSql('create index auth_user_never_verified on auth_user (created_at) where verified_at is null')
  }
}
