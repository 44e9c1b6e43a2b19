/** What the copy of a journal looks like: when it was made, and what it holds. */
export interface CopyState {
  created: string;
  /** Position of the newest that it holds; 0: none. */
  lastPosition: number;
  /** Position of the oldest that it holds; 0: none. */
  firstPosition: number;
  /** Whether some between the two are missing. */
  hasHoles: boolean;
  /** Whether its limits of size take the oldest away: then it lacks nothing that begins late. */
  isFull: boolean;
  /** For how long it keeps what it holds, milliseconds. */
  maxAgeMs: number;
}

/** Up to where a relay has published, and into which copy. */
export interface RelayCheckpoint {
  position: number;
  incarnation: string;
}

/** Positions of the log, by the age and the number of the events after them. */
export interface RetentionStart {
  /** What is after it is within the retention. */
  start: number;
  /** What is after it is within the retention by a margin: no clock that is off explains that a copy lacks it. */
  sound: number;
}

export interface ResumePlan {
  /** Publish what is after this position. */
  after: number;
  /** Why it is not simply going on; null when it is. */
  recovering: 'new copy' | 'shortened copy' | 'damaged copy' | null;
  /** Whether what the copy holds is to be removed first: published behind it, the rest would be out of order. */
  clear: boolean;
}

/**
 * Where to go on publishing.
 * - The copy is another one than was published into (wiped and made again, restored, or never seen): everything
 *   from the start of the retention.
 * - It is the same, but lacks something at its beginning or in between (a purge, after which more was published; messages
 *   that were removed): the same, in place of what is left of it.
 * - It ends before what was acknowledged (a lost tail): what it lacks.
 * - It ends later: the last window was acknowledged and not noted. It is published again, and dropped there by id.
 */
export function resumePlan(
  checkpoint: RelayCheckpoint | null,
  copy: CopyState,
  { start, sound }: RetentionStart,
): ResumePlan {
  const holdsAny = copy.lastPosition > 0 || copy.hasHoles;
  if (checkpoint === null || checkpoint.incarnation !== copy.created) {
    return { after: start, recovering: 'new copy', clear: holdsAny };
  }
  if (isDamaged(copy, sound) && start < Math.max(checkpoint.position, copy.lastPosition)) {
    return { after: start, recovering: 'damaged copy', clear: true };
  }
  const missing = Math.max(copy.lastPosition, start);
  if (copy.lastPosition < checkpoint.position && missing < checkpoint.position) {
    return { after: missing, recovering: 'shortened copy', clear: false };
  }
  return { after: checkpoint.position, recovering: null, clear: false };
}

/** Whether a copy lacks what nothing but a loss explains, before the newest that it holds. */
export function isDamaged({ hasHoles, isFull, firstPosition }: CopyState, sound: number): boolean {
  return hasHoles || (!isFull && firstPosition > sound + 1);
}
