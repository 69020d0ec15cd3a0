// Where the cells of a cloud lie: as large as fits, and never so small that nobody can hit one.

// Who has a wall has it all in sight; who has a small window has a finger, and scrolls.
const SMALLEST = 7;
const SMALLEST_NARROW = 11;
const NARROW = 600;
const LARGEST = 80;

// Cells as wide as this have room for names.
const NAMED_WIDTH = 148;
const NAMED_HEIGHT = 44;
const NAMED_MOST = 120;

/**
 * Return the layout of so many cells: `{ columns, rows, width, height, named }`, the size of a cell
 * with its gap in CSS pixels.
 *
 * @param total How many cells.
 * @param width, height The room; the height is exceeded where cells would get too small.
 */
export function layout(total, width, height) {
  return namedLayout(total, width, height) ?? squareLayout(total, width, height);
}

function namedLayout(total, width, height) {
  const columns = Math.max(1, Math.floor(width / NAMED_WIDTH));
  const rows = Math.ceil(total / columns);
  if (total > NAMED_MOST || rows * NAMED_HEIGHT > height) return null;
  return { columns, rows, width: Math.floor(width / columns), height: NAMED_HEIGHT, named: true };
}

function squareLayout(total, width, height) {
  const smallest = width < NARROW ? SMALLEST_NARROW : SMALLEST;
  let size = Math.min(LARGEST, width);
  while (size > smallest && Math.ceil(total / Math.floor(width / size)) * size > height) size -= 1;
  const columns = Math.max(1, Math.floor(width / size));
  return { columns, rows: Math.ceil(total / columns), width: size, height: size, named: false };
}
