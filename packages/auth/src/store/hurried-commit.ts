/**
 * In a statement of its own, as a query that it reads from: its commit does not wait for the disk. For what may be lost
 * when the database server crashes; and for what a later commit to the same server waits for: whatever was committed before
 * is on the disk then, too.
 */
export const hurried = "select set_config('synchronous_commit', 'off', true) as hurried"
