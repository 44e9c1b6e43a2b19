import { serviceConfig } from '@bellwether/service/config';
import type { z } from 'zod';

/** The variables of this service: those that every service knows. */
export const apiConfig = serviceConfig;
export type ApiConfig = z.infer<typeof apiConfig>;
