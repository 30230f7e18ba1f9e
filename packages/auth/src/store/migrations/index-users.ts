import { Migration } from '@mikro-orm/migrations'

export class IndexUsers extends Migration {
  override up(): void {
    // Finding by what an address begins with, in whatever collation the database has.
    this.addSql('create index auth_user_email_prefix on auth_user (email_canonical text_pattern_ops)')
    this.addSql('create index auth_user_admins on auth_user (id) where is_admin')
  }
}
