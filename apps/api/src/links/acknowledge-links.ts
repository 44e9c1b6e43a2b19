import type { Clock } from '@bellwether/contracts';
import { type LinkVerdict, linkHmac, verifyAcknowledgeLink } from '@bellwether/oncall';

/** Checks the signed links that pages carry; the key is the one that the service which sends them signs with. */
export class AcknowledgeLinks {
  constructor(
    private readonly key: string | undefined,
    private readonly clock: Clock,
  ) {}

  verify(link: string): LinkVerdict {
    if (this.key === undefined) return { kind: 'forged' };
    return verifyAcknowledgeLink(link, linkHmac(this.key), this.clock.now().getTime());
  }
}
