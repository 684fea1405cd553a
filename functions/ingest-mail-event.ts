import * as z from 'zod/mini';
import { ingestMailEvent } from '#shared/application/ingest-mail-event.ts';
import { errorFields, log } from '#shared/log.ts';
import { measure } from '#shared/ports/metrics.ts';
import { mailEventPorts } from './runtime/compose.ts';
import { defineHandler } from './runtime/define-handler.ts';

/** Takes events of the mail service from the queue. Only the messages that failed come back to it. */
export const handler = defineHandler({
  name: 'ingest-mail-event',
  input: z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) }),
  output: z.object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })) }),
  services: mailEventPorts,
  run: async ({ Records }, ports) => {
    const batchItemFailures: { itemIdentifier: string }[] = [];
    for (const { messageId, body } of Records) {
      try {
        await ingestMailEvent(body, ports);
      } catch (error) {
        log.warn('a mail event could not be taken', errorFields(error));
        measure('MailEventsRefused');
        batchItemFailures.push({ itemIdentifier: messageId });
      }
    }
    return { batchItemFailures };
  },
});
