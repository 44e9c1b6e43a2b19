import { text } from '../names.js';

/** Units that are converted into each other within a dimension; `count` and `none` say nothing and fit everything. */
export const KNOWN_UNITS = ['count', 'percent', 'ratio', 's', 'ms', 'us', 'ns', 'bytes', 'none'] as const;

/** A unit of measurement. One that is not of {@link KNOWN_UNITS} is shown and compared as it is written, never converted. */
export const measurementUnit = text(32);
