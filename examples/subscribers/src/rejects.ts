/** A subscriber whose promise rejects. */
export async function rejects(): Promise<void> {
  throw new Error('the chat has no such channel')
}
