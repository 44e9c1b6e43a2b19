import {
  type Clock,
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  commandCatalog,
  type EventData,
  type Page,
  parseOrRefuse,
} from '@bellwether/contracts';
import {
  type Hmac,
  type PageCommand,
  pageHasEnded,
  pageView,
  verifyAcknowledgeLink,
} from '@bellwether/oncall';
import { byOf, causeOfRequest } from './cause.js';
import type { PageOutcome, Pages } from './pages.js';
import { requireRole } from './roles.js';

/** What people do with a page. */
export class PageCommands {
  readonly #pages: Pages;
  readonly #clock: Clock;
  readonly #hmac: Hmac;

  constructor(pages: Pages, clock: Clock, hmac: Hmac) {
    this.#pages = pages;
    this.#clock = clock;
    this.#hmac = hmac;
  }

  /** A signed link stands for whom it was sent to, whoever's request carries it. */
  async acknowledge(request: CommandRequest): Promise<CommandReply<Page>> {
    const { page, via, link, note } = parseOrRefuse(commandCatalog['paging.page-acknowledge'], request.data);
    if (link === undefined) {
      requireRole(request, 'responder');
      return this.#act(request, page, { kind: 'acknowledge', by: byOf(request.actor), via, note });
    }
    const by = this.#holderOf(link, page);
    return this.#act(request, page, { kind: 'acknowledge', by, via: 'link', note });
  }

  async escalate(request: CommandRequest): Promise<CommandReply<Page>> {
    requireRole(request, 'responder');
    const { page, step, note } = parseOrRefuse(commandCatalog['paging.page-escalate'], request.data);
    return this.#act(request, page, { kind: 'escalate', step, by: byOf(request.actor), note });
  }

  async reassign(request: CommandRequest): Promise<CommandReply<Page>> {
    requireRole(request, 'responder');
    const { page, users, note } = parseOrRefuse(commandCatalog['paging.page-reassign'], request.data);
    return this.#act(request, page, { kind: 'reassign', users, by: byOf(request.actor), note });
  }

  async #act(request: CommandRequest, id: string, command: PageCommand): Promise<CommandReply<Page>> {
    const page = await this.#pages.act(id, command, causeOfRequest(request), request.expect);
    if (!page.state) throw CommandRefused.notFound(`page ${id}`);
    const { version, position } = page;
    if (command.kind !== 'acknowledge' && page.decisions[0]?.type === 'page.cancelled') {
      throw pageHasEnded(page.state);
    }
    const warnings = noteIsLost(page, command)
      ? [
          `note: is not kept, since ${page.state.acknowledgedBy} has acknowledged already: add it to the incident`,
        ]
      : [];
    return { ok: true, status: 200, data: pageView(page.state, version), version, position, warnings };
  }

  /** @throws CommandRefused 403 */
  #holderOf(link: string, page: string): string {
    const verdict = verifyAcknowledgeLink(link, this.#hmac, this.#clock.now().getTime());
    if (verdict.kind === 'forged' || verdict.link.page !== page) {
      throw CommandRefused.forbidden('this link is not valid');
    }
    if (verdict.kind === 'expired') throw CommandRefused.forbidden('this link has expired');
    return verdict.link.user ?? 'key:link';
  }
}

/** Whether a note came with an acknowledgement that changed nothing: a repeat of the one that brought it is no loss. */
function noteIsLost({ decisions, events }: PageOutcome, command: PageCommand): boolean {
  if (command.kind !== 'acknowledge' || command.note === undefined || decisions.length > 0) return false;
  const last = events.findLast(({ type }) => type === 'page.acknowledged');
  return (last?.data as EventData<'page.acknowledged'> | undefined)?.note !== command.note;
}
