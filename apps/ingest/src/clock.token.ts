/** Where Nest finds the process's clock: an interface has no name at run time. */
export const CLOCK = Symbol('Clock');
