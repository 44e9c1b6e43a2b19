/** What the copy of a journal looks like: when it was made, and what it holds. */
export interface CopyState {
  created: string;
  /** Position of the newest that it holds; 0: none. */
  lastPosition: number;
  /** Position of the oldest that it holds; 0: none. */
  firstPosition: number;
  /** Whether other journals are in the same store: then their sizes decide, too, how much it holds of this one. */
  isShared: boolean;
  /** Whether some between the two are missing; never said of one that is shared. */
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

/** Positions of the log: its end, and those by the age and the number of the events after them. */
export interface RetentionStart {
  head: number;
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
 * - It ends before what was acknowledged (a lost tail): what it lacks. Not so where it holds nothing for want of room: what
 *   is published would drive another journal out, and so on for ever.
 * - It ends later: the last window was stored and not noted. What is behind it follows; where holes are not looked for, the
 *   window is published again, and dropped there by id.
 */
export function resumePlan(
  checkpoint: RelayCheckpoint | null,
  copy: CopyState,
  { head, start, sound }: RetentionStart,
): ResumePlan {
  const holdsAny = copy.lastPosition > 0 || copy.hasHoles;
  if (checkpoint === null || checkpoint.incarnation !== copy.created) {
    return { after: start, recovering: 'new copy', clear: holdsAny };
  }
  if (isDamaged(copy, sound) && start < Math.max(checkpoint.position, copy.lastPosition)) {
    return { after: start, recovering: 'damaged copy', clear: true };
  }
  const missing = Math.max(copy.lastPosition, start);
  const isDrivenOut = copy.isFull && copy.lastPosition === 0;
  if (!isDrivenOut && copy.lastPosition < checkpoint.position && missing < checkpoint.position) {
    return { after: missing, recovering: 'shortened copy', clear: false };
  }
  // One that ends after the log is of a log that was restored from a backup: its end says nothing.
  const stored = copy.isShared || copy.hasHoles || copy.lastPosition > head ? 0 : copy.lastPosition;
  return { after: Math.max(checkpoint.position, stored), recovering: null, clear: false };
}

/** Whether a copy lacks what nothing but a loss explains, before the newest that it holds. */
export function isDamaged({ isShared, hasHoles, isFull, firstPosition }: CopyState, sound: number): boolean {
  return hasHoles || (!isShared && !isFull && firstPosition > sound + 1);
}
