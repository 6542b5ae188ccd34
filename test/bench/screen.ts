/** What a run shows: a line that says what is under way, and tables. */

const width = 78;

let shown = '';

/** On a terminal each line takes the place of the one before; elsewhere they follow one another. */
export function showProgress(text: string): void {
  if (text === shown) return;
  shown = text;
  if (process.stderr.isTTY) process.stderr.write(`\r${text.slice(0, width).padEnd(width)}`);
  else process.stderr.write(`${text}\n`);
}

export function clearProgress(): void {
  shown = '';
  if (process.stderr.isTTY) process.stderr.write(`\r${' '.repeat(width)}\r`);
}

/** The first column to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
    )
    .join('\n');
}

/** Three digits that mean something, thousands apart. */
export function digits(figure: number): string {
  return figure.toLocaleString('en', { maximumSignificantDigits: Math.max(3, Math.ceil(Math.log10(figure + 1))) });
}
