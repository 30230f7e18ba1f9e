import { Migration } from '@mikro-orm/migrations'

export class AddEmailChanges extends Migration {
  override up(): void {
    this.addSql('alter table auth_one_time_token add column email varchar(320)')
  }
}
