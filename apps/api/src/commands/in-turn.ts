/** Questions to a service that are on the way at once, of one request. */
const AT_ONCE = 8;

/** Asks about each item, a few at a time, so that one request does not crowd out others. Answers in the items' order. */
export async function inTurn<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = new Array(items.length);
  const queue = items.entries();
  const worker = async () => {
    for (const [i, item] of queue) answers[i] = await ask(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return answers;
}
