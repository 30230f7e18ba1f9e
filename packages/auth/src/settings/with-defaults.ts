/** Settings over their defaults. What is undefined was not set: callers without types write it as well. */
export function withDefaults<Values extends object>(
  defaults: Values,
  given: { readonly [Name in keyof Values]?: Values[Name] | undefined } = {},
): Values {
  const set = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...defaults, ...Object.fromEntries(set) }
}
