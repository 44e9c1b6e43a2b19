/** Which of the media types offered an `Accept` header prefers (RFC 9110); the first one when it does not say. */
export function prefers(header: string | undefined, offered: readonly [string, ...string[]]): string {
  if (header === undefined) return offered[0];
  const ranges = header.split(',').map((part) => {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    return { range, weight: q === undefined ? 1 : Number(q.slice(2)) || 0 };
  });
  const weightOf = (type: string): number => {
    const [main] = type.split('/');
    for (const candidate of [type, `${main}/*`, '*/*']) {
      const found = ranges.find(({ range }) => range === candidate);
      if (found) return found.weight;
    }
    return 0;
  };
  let best: string = offered[0];
  for (const type of offered) if (weightOf(type) > weightOf(best)) best = type;
  return best;
}
