import { Migration } from '@mikro-orm/migrations'

export class GrowLockouts extends Migration {
  override up(): void {
    this.addSql('alter table auth_lockout add column locks integer not null default 0')
  }
}
