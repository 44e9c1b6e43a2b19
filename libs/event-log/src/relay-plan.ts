/** What the copy of a journal looks like: when it was made, and the positions it holds (0: none). */
export interface CopyState {
  created: string;
  lastPosition: number;
  firstPosition: number;
}

/** Up to where a relay has published, and into which copy. */
export interface RelayCheckpoint {
  position: number;
  incarnation: string;
}

export interface ResumePlan {
  /** Publish what is after this position. */
  after: number;
  /** Why it is not simply going on; null when it is. */
  recovering: 'new copy' | 'shortened copy' | null;
}

/**
 * Where to go on publishing.
 * - The copy is another one than was published into (wiped and made again, restored, or never seen): everything
 *   from the start of the retention.
 * - It is the same, but ends before what was acknowledged (a lost tail, a purge): what it lacks.
 * - It ends later: the last window was acknowledged and not noted. It is published again, and dropped there by id.
 * @param retentionStart the position after which events are still within the retention
 */
export function resumePlan(
  checkpoint: RelayCheckpoint | null,
  copy: CopyState,
  retentionStart: number,
): ResumePlan {
  if (checkpoint === null || checkpoint.incarnation !== copy.created) {
    return { after: retentionStart, recovering: 'new copy' };
  }
  const missing = Math.max(copy.lastPosition, retentionStart);
  if (copy.lastPosition < checkpoint.position && missing < checkpoint.position) {
    return { after: missing, recovering: 'shortened copy' };
  }
  return { after: checkpoint.position, recovering: null };
}
