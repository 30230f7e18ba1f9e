/** A subscriber that throws at once. */
export function throws(): never {
  throw new Error('the pager is unplugged')
}
