/** How often a decision is made anew when its stream moved on meanwhile. */
export const ATTEMPTS = 8;

/** A version that no stream has: what is not to be appended is asked for all the same, since a repeat gets its first answer. */
export const NEVER = Number.MAX_SAFE_INTEGER;
