import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import { surveyApp } from '#shared/application/pages/survey-app.ts';
import { surveyPagePorts } from './runtime/compose-pages.ts';
import { observe } from './runtime/observe.ts';

let built: Promise<ReturnType<typeof handle>> | undefined;

/** The survey's pages behind the HTTP API: answering, unsubscribing. Built with the first request; a failed building is tried again. */
export const handler = (event: LambdaEvent, context?: LambdaContext) =>
  observe('answer-survey', { context }, async () => {
    built ??= surveyPagePorts().then(
      (ports) => handle(surveyApp(ports)),
      (error: unknown) => {
        built = undefined;
        throw error;
      },
    );
    return (await built)(event, context);
  });
