import type pg from 'pg';
import type { Lease } from '../partition/leases.js';

/** The partition is somebody else's by now: nothing was written, and nothing more may be. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
  constructor(partition: number) {
    super(`partition ${partition} is held by another instance`);
  }
}

/** Holds the lease still for the transaction. @throws LeaseLost when it is another's by now */
export async function fence(tx: pg.PoolClient, lease: Lease): Promise<void> {
  const { rowCount } = await tx.query(
    'select from evaluator.leases where partition = $1 and holder = $2 and epoch = $3 for share',
    [lease.partition, lease.holder, lease.epoch],
  );
  if (rowCount !== 1) throw new LeaseLost(lease.partition);
}
