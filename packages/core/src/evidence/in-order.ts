/** Works on several items at a time, and yields what came of them in the order in which they came. */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item>,
  work: (item: Item) => Promise<Result>,
  atOnce: () => number,
): AsyncGenerator<Result, void, undefined> {
  const underWay: Array<Promise<Result>> = []
  for await (const item of items) {
    const coming = work(item)
    // It may fail before its turn has come.
    coming.catch(() => undefined)
    underWay.push(coming)
    while (underWay.length >= atOnce()) yield (await underWay.shift()) as Result
  }
  for (const coming of underWay) yield await coming
}
