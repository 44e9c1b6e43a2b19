import { applyOverrides } from './override.js';
import { rotationsOf, type ScheduleState, type ScheduleVersion } from './schedule.js';
import { merge, type Span, subtract } from './span.js';
import type { Instant } from './wall-clock.js';

/** A stretch with one and the same set of people on call. */
export interface FinalShift extends Span {
  users: string[];
  /** The layer they come from; null where only an override has anybody. */
  layer: string | null;
  /** Ids of the overrides that changed who it is, comma-separated. */
  override: string | null;
}

export interface OnCallNow {
  users: string[];
  shift: FinalShift | null;
  /** When the people on call change next; null when that is not foreseen within a year, or within a longer turn. */
  until: Instant | null;
}

type Piece = FinalShift & { handOff: boolean };

const day = 86_400_000;
/** The last year that a time can name: what comes after it is not foreseen. */
const endOfTime = Date.parse('9999-12-31T23:59:59.999Z');
/** Turns that are longer are not followed to their end. */
const mostMonths = 60;

/**
 * Who is on call over [from, to): in each stretch the first layer that has somebody, with overrides applied.
 * A hand-off ends a shift even where the same person goes on. Each stretch follows the definition that held
 * then; before the first one there ever was, the last.
 */
export function finalShifts(state: ScheduleState, from: Instant, to: Instant): FinalShift[] {
  return join(piecesOf(state, from, to));
}

/**
 * The first of {@link finalShifts}, `most` at most. Of an hourly rotation a year has thousands, which take a second to
 * work out: no more of the span is looked at than so many need.
 */
export function firstShifts(state: ScheduleState, from: Instant, to: Instant, most: number): FinalShift[] {
  for (let length = 14 * day; from + length < to; length *= 4) {
    const shifts = finalShifts(state, from, from + length);
    // The last one is cut where the looking ended.
    if (shifts.length > most) return shifts.slice(0, most);
  }
  return finalShifts(state, from, to).slice(0, most);
}

/** The stretches within [from, to) in which nobody is on call. */
export function scheduleGaps(state: ScheduleState, from: Instant, to: Instant): Span[] {
  return subtract([{ from, to }], merge(finalShifts(state, from, to)));
}

/** A stretch that {@link scheduleGaps} finds, in words. */
export function nobodyOnCall({ from, to }: Span): string {
  return `nobody is on call from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}`;
}

/** The first of the stretches that {@link scheduleGaps} finds, and how many more there are. */
export function gapWarnings([first, ...more]: readonly Span[]): string[] {
  if (first === undefined) return [];
  const times = more.length === 1 ? 'once more' : `${more.length} times more`;
  return [`${nobodyOnCall(first)}${more.length === 0 ? '' : `, and ${times} in the days after`}`];
}

/** Who is on call at an instant, and until when. */
export function onCallAt(state: ScheduleState, at: Instant): OnCallNow {
  const shift = finalShifts(state, at, at + 1)[0] ?? null;
  const users = shift?.users ?? [];
  return { users, shift, until: nextChange(state, users, at) };
}

function nextChange(state: ScheduleState, users: readonly string[], at: Instant): Instant | null {
  const limit = Math.min(at + horizon(state), endOfTime);
  let until = at;
  for (let [from, length] = [at, 2 * day]; from < limit; from += length, length *= 2) {
    const to = Math.min(from + length, endOfTime);
    for (const piece of piecesOf(state, from, to, { handOffs: false })) {
      if (users.length === 0) return piece.from;
      if (piece.from > until || !sameUsers(piece.users, users)) return until;
      until = piece.to;
    }
    if (users.length > 0 && until < to) return until;
  }
  return null;
}

/** A year, and longer where turns are; within reason, as a turn may be of 9000 months. */
function horizon(state: ScheduleState): number {
  const months = state.versions
    .at(-1)!
    .schedule.layers.map(({ rotation }) => (rotation.type === 'monthly' ? rotation.length : 0));
  return 366 * day + Math.min(Math.max(...months), mostMonths) * 31 * day;
}

function piecesOf(state: ScheduleState, from: Instant, to: Instant, options = { handOffs: true }): Piece[] {
  return versionsOver(state, from, to).flatMap(({ span, version }) =>
    overridden(state, layered(version, span, options), span),
  );
}

function versionsOver({ versions }: ScheduleState, from: Instant, to: Instant) {
  const latest = versions.at(-1)!;
  const bounds = [
    { since: Number.NEGATIVE_INFINITY, version: latest },
    ...versions.map((version) => ({ since: version.since, version })),
  ];
  return bounds.flatMap(({ since, version }, place) => {
    const span = {
      from: Math.max(from, since),
      to: Math.min(to, bounds[place + 1]?.since ?? Number.POSITIVE_INFINITY),
    };
    return span.from < span.to ? [{ span, version }] : [];
  });
}

/** Layers from the most to the least specific, each filling what the ones before it left open. */
function layered(version: ScheduleVersion, span: Span, options: { handOffs: boolean }): Piece[] {
  const pieces: Piece[] = [];
  let open: Span[] = [span];
  for (const [place, rotation] of rotationsOf(version).entries()) {
    const layer = version.schedule.layers[place]!.name;
    const found = open.flatMap(({ from, to }) =>
      [...rotation.onCall(from, to, options)].map((shift) => ({
        ...shift,
        users: [...shift.users],
        layer,
        override: null,
      })),
    );
    pieces.push(...found);
    open = subtract(open, merge(found));
    if (open.length === 0) break;
  }
  return pieces.sort((a, b) => a.from - b.from);
}

function overridden({ overrides }: ScheduleState, pieces: Piece[], span: Span): Piece[] {
  const near = overrides.filter((override) => override.from < span.to && span.from < override.to);
  if (near.length === 0) return pieces;
  const gaps = subtract([span], merge(pieces)).map(
    (gap): Piece => ({ ...gap, users: [], layer: null, override: null, handOff: false }),
  );
  const bounds = near.flatMap(({ from, to }) => [from, to]).sort((a, b) => a - b);
  return [...pieces, ...gaps]
    .sort((a, b) => a.from - b.from)
    .flatMap((piece) => cut(piece, bounds))
    .map((piece) => {
      const { users, applied } = applyOverrides(piece.users, near, piece.from);
      return { ...piece, users, override: applied.length > 0 ? applied.join(',') : null };
    })
    .filter((piece) => piece.users.length > 0);
}

function cut(piece: Piece, bounds: readonly Instant[]): Piece[] {
  const inside = bounds.filter((bound) => bound > piece.from && bound < piece.to);
  const edges = [piece.from, ...new Set(inside), piece.to];
  return edges.slice(0, -1).map((from, place) => ({
    ...piece,
    from,
    to: edges[place + 1]!,
    handOff: place === 0 && piece.handOff,
  }));
}

/** Joins what was only cut for computing: by a new definition that changed nothing, or an idle override. */
function join(pieces: readonly Piece[]): FinalShift[] {
  const shifts: FinalShift[] = [];
  for (const { handOff, ...piece } of pieces) {
    const last = shifts.at(-1);
    const goesOn =
      !handOff &&
      last?.to === piece.from &&
      last.layer === piece.layer &&
      last.override === piece.override &&
      sameUsers(last.users, piece.users);
    if (goesOn) last.to = piece.to;
    else shifts.push(piece);
  }
  return shifts;
}

function sameUsers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((user) => b.includes(user));
}
