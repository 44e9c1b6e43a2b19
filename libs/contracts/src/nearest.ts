/** Single-character changes from one text to the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (letter === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** Names that somebody may have meant by a word that is none of them: the nearest first, at most `most`. */
export function nearestNames(word: string, names: readonly string[], most = 5): string[] {
  const wanted = word.toLowerCase().slice(0, 100);
  const farthest = Math.min(3, Math.max(1, Math.floor(wanted.length / 3)));
  return names
    .map((name) => ({ name, far: editDistance(wanted, name) }))
    .filter(({ name, far }) => far <= farthest || (wanted.length > 2 && name.includes(wanted)))
    .sort((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1))
    .slice(0, most)
    .map(({ name }) => name);
}
