import { CommandRefused, problemOf } from '@bellwether/contracts';
import { Controller, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Documents, PAGE_POLICY } from '../documents/documents.js';
import { DocumentsGuard } from '../documents/documents-guard.js';
import { prefers } from '../routing/accept.js';
import { Answer } from '../routing/answer.js';
import { Input, type InputOf } from '../routing/input.js';
import { Serves } from '../routing/serves.js';

/** The contract: for machines, and for people. */
@Controller()
@UseGuards(DocumentsGuard)
export class DocumentsController {
  constructor(private readonly documents: Documents) {}

  @Serves('openApi')
  openApi(@Res({ passthrough: true }) reply: FastifyReply) {
    reply.header('content-type', 'application/json; charset=utf-8');
    return this.documents.openApi;
  }

  @Serves('asyncApi')
  asyncApi(@Res({ passthrough: true }) reply: FastifyReply) {
    reply.header('content-type', 'application/json; charset=utf-8');
    return this.documents.asyncApi;
  }

  @Serves('root')
  root(@Input() { request }: InputOf<'root'>) {
    if (prefers(request.headers.accept, ['text/html', 'application/json']) !== 'text/html')
      throw new CommandRefused(
        problemOf(
          404,
          'not-found',
          'there is nothing at this path: /docs is for people, /openapi.json for programs',
        ),
      );
    return new Answer('', { headers: { location: '/docs' } });
  }

  @Serves('docs')
  page(@Res({ passthrough: true }) reply: FastifyReply) {
    const { mediaType, content } = this.documents.page;
    reply.headers({ 'content-type': mediaType, 'content-security-policy': PAGE_POLICY });
    return content;
  }

  @Serves('docsFile')
  async file(@Input() { params }: InputOf<'docsFile'>, @Res({ passthrough: true }) reply: FastifyReply) {
    const file = await this.documents.file(params.file);
    if (file === undefined) throw CommandRefused.notFound(`the file ${params.file}`);
    reply.headers({ 'content-type': file.mediaType, 'cache-control': 'private, max-age=3600' });
    return file.content;
  }
}
