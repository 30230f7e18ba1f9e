import { IsDate, IsIn, IsObject } from 'class-validator'
import { IsAddress, Moment, Optional, SafeText } from '../web/body-rules.js'
import { PageQuery } from '../web/page-query.js'

/** Which rows of the trail; what is given is joined by "and". */
export class AuditEventsQuery extends PageQuery {
  @Optional() @SafeText(64) event?: string
  @Optional() @IsIn(['success', 'failure', 'denied']) outcome?: 'success' | 'failure' | 'denied'
  @Optional() @SafeText(200) actor_id?: string
  @Optional() @SafeText(200) subject_id?: string
  /** The identifier that was typed; it is hashed before it is looked for. */
  @Optional() @SafeText(320) attempted?: string
  @Optional() @IsAddress() address?: string
  @Optional() @SafeText(64) request_id?: string
  @Optional() @Moment() @IsDate() from?: Date
  @Optional() @Moment() @IsDate() to?: Date
}

/** Which part of the log is exported: what happened from one moment to before another. */
export class ExportQuery {
  @Optional() @Moment() @IsDate() from?: Date
  @Optional() @Moment() @IsDate() to?: Date
}

/** The body of POST `audit/requests`; what belongs to each kind is looked at where it is asked for. */
export class AuditRequest {
  @SafeText(64) kind!: string
  @IsObject() parameters!: object
}

/** The body of POST `audit/requests/{id}/decision`. */
export class AuditDecision {
  @IsIn(['approve', 'refuse']) decision!: 'approve' | 'refuse'
}

/** The body of POST `audit/holds`. */
export class HoldRequest {
  @SafeText(200) label!: string
  @Moment() @IsDate() from!: Date
  @Moment() @IsDate() to!: Date
}
