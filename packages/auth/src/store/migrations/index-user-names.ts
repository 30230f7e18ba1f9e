import { Migration } from '@mikro-orm/migrations'

export class IndexUserNames extends Migration {
  override up(): void {
    this.addSql('create index auth_user_username_prefix on auth_user (username_canonical text_pattern_ops)')
  }
}
