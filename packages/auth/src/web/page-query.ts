import { IsInt, Max, Min } from 'class-validator'
import { IsId, Optional, SafeText } from './body-rules.js'

/** Which page of a list. */
export class PageQuery {
  @Optional() @IsInt() @Min(1) @Max(200) limit?: number
  @Optional() @SafeText(64) cursor?: string
}

/** Which page of a list that is in the order of its ids: the cursor is the id of the last one that was seen. */
export class ListQuery {
  @Optional() @IsInt() @Min(1) @Max(200) limit?: number
  @Optional() @IsId() cursor?: string
}

/** A page of a list, newest first. */
export interface ListPage {
  readonly items: object[]
  readonly next_cursor: string | null
}

const usualLimit = 50

/** Finds one more than is shown, which tells whether there is a next page. */
export async function listPage<Item extends { readonly id: string }>(
  { limit = usualLimit, cursor }: ListQuery,
  find: (part: ListPart) => Promise<Item[]>,
  toJson: (item: Item) => object,
): Promise<ListPage> {
  const found = await find({ limit: limit + 1, ...(cursor === undefined ? {} : { before: cursor }) })
  const items = found.slice(0, limit)
  return { items: items.map(toJson), next_cursor: found.length > limit ? (items.at(-1)?.id ?? null) : null }
}

/** Which part of a list is looked up: so many, from before an id on. */
export interface ListPart {
  readonly limit: number
  readonly before?: string
}
