type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles for two types that are exactly one. */
export declare function sameType<A, B>(...same: Same<A, B> extends true ? [] : [never]): void
