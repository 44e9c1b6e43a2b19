import { setTimeout as sleep } from 'node:timers/promises';
import { type Incident, type Page, problemOf } from '@bellwether/contracts';
import { HttpProblem } from '@bellwether/service';
import { Controller, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CommandGateway } from '../commands/gateway.js';
import { Explainer } from '../explain/explainer.js';
import { AcknowledgeLinks } from '../links/acknowledge-links.js';
import { acknowledgePage, deadLinkPage, type GoesOn, type Reason } from '../links/acknowledge-page.js';
import { HTML_HEADERS } from '../links/html.js';
import { IncidentStore } from '../read/incident-store.js';
import { PageStore } from '../read/page-store.js';
import { ReadModels } from '../read/read-models.js';
import { Paging } from '../routing/cursor.js';
import { Input, type InputOf } from '../routing/input.js';
import { Serves } from '../routing/serves.js';

/** What tells why somebody is paged: what came in between they see on the page itself. */
const TELLING = /^(slo|rule)[.]alert[.]fired$|^slo[.]policy[.]entered$|^measurement[.]recorded$/;
const REASONS = 8;
const COMMAND_WAIT_MS = 1_500;

/**
 * Signed links of pages: they need no session. Looking changes nothing, since mail programs open links by
 * themselves; the button does.
 */
@Controller()
export class AcknowledgeController {
  constructor(
    private readonly links: AcknowledgeLinks,
    private readonly pages: PageStore,
    private readonly incidents: IncidentStore,
    private readonly models: ReadModels,
    private readonly gateway: CommandGateway,
    private readonly explainer: Explainer,
  ) {}

  @Serves('showAcknowledgeLink')
  async show(
    @Input() { params }: InputOf<'showAcknowledgeLink'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    reply.headers(HTML_HEADERS);
    const verdict = this.links.verify(params.link);
    if (verdict.kind === 'forged') return dead(reply, 'forged');
    if (verdict.kind === 'expired') return dead(reply, 'expired');
    return this.render(verdict.link.page, params.link, reply);
  }

  @Serves('acknowledgeByLink')
  async acknowledge(
    @Input() { params, request }: InputOf<'acknowledgeByLink'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    reply.headers(HTML_HEADERS);
    const verdict = this.links.verify(params.link);
    if (verdict.kind === 'forged') return dead(reply, 'forged');
    if (verdict.kind === 'expired') return dead(reply, 'expired');
    const { page, user } = verdict.link;
    try {
      await this.gateway.write(
        'paging.page-acknowledge',
        { page, via: 'link', link: params.link },
        {
          request: withoutKey(request),
          caller: { actor: user === null ? 'key:link' : `user:${user}`, role: 'responder' },
        },
      );
    } catch (error) {
      // A page that has ended meanwhile is not an error to whoever comes late: it is shown as it is.
      if (!isConflict(error)) {
        reply.removeHeader('content-type');
        throw error;
      }
    }
    if (user !== null) await this.commandTaken(page);
    return this.render(page, params.link, reply);
  }

  private async render(id: string, link: string, reply: FastifyReply): Promise<string> {
    const page = await this.find(id);
    // A sound link must not be called forged because its page cannot be read.
    if (page === undefined && this.models.parked('pages', id) !== undefined) {
      reply.removeHeader('content-type');
      throw HttpProblem.unavailable(
        'this page cannot be shown at the moment; that it was acknowledged is among the events of its incident',
      );
    }
    if (page === undefined) return dead(reply, 'forged');
    const incident = await this.incidents.find(page.incident);
    const besides = { goesOn: await this.goesOn(page, incident), why: await this.why(id) };
    return acknowledgePage(page, incident, link, besides);
  }

  /** Whoever is woken reads it on a phone, without a token. That it cannot be told must not take the button away. */
  private async why(page: string): Promise<Reason[]> {
    try {
      const { chain } = await this.explainer.explain(page);
      return chain.filter(({ type }) => TELLING.test(type)).slice(0, REASONS);
    } catch {
      return [];
    }
  }

  /**
   * The first to acknowledge takes command, a moment later: who is told that nobody has it would look for somebody.
   */
  private async commandTaken(page: string): Promise<void> {
    const incident = (await this.find(page))?.incident;
    const until = performance.now() + COMMAND_WAIT_MS;
    while (incident !== undefined && performance.now() < until) {
      const state = await this.incidents.find(incident);
      if (state === undefined || state.commander !== null || state.status === 'resolved') return;
      await sleep(50);
    }
  }

  /** Whoever opens an older message must not be sent away from an incident that pages. */
  private async goesOn(page: Page, incident: Incident | undefined): Promise<GoesOn | undefined> {
    if (page.status !== 'cancelled') return undefined;
    let goingOn = incident;
    while (goingOn !== undefined && goingOn.mergedInto !== null)
      goingOn = await this.incidents.find(goingOn.mergedInto);
    if (goingOn === undefined || goingOn.status === 'resolved') return undefined;
    const [newest] = await this.pages.list(Paging.of({ limit: 1 }, 'acknowledge', z.int()), {
      incident: goingOn.id,
      status: ['open', 'acknowledged', 'exhausted'],
    });
    return { incident: goingOn.id, page: newest?.view.id };
  }

  /** A link may be opened before the read model shows its page. */
  private async find(id: string): Promise<Page | undefined> {
    const page = await this.pages.find(id);
    if (page !== undefined) return page;
    await this.models.current('pages');
    return this.pages.find(id);
  }
}

function dead(reply: FastifyReply, kind: 'expired' | 'forged'): string {
  reply.code(kind === 'expired' ? 410 : 404);
  return deadLinkPage(kind);
}

/** The link itself says who and what: a key of the caller's would only let links be mixed up. */
function withoutKey(request: FastifyRequest): FastifyRequest {
  return Object.create(request, { headers: { value: { ...request.headers, 'idempotency-key': undefined } } });
}

function isConflict(error: unknown): boolean {
  const { problem } = error as { problem?: ReturnType<typeof problemOf> };
  return problem?.status === 409;
}
