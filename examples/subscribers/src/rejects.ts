/** A subscriber that fails later, when the request is long over. */
export async function rejects(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  throw new Error('the chat has no such channel')
}
