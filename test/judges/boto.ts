import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import * as z from 'zod/mini';

/**
 * boto3, AWS's own client for Python, as a process that takes one call for each line. It knows the form of each call from AWS's own
 * models and refuses a call that has not that form, before moto sees it.
 */
const SERVE_CALLS = `
import json, sys, boto3
clients = {}
for line in sys.stdin:
    asked = json.loads(line)
    try:
        name = asked['service']
        clients[name] = clients.get(name) or boto3.client(
            name, endpoint_url=sys.argv[1], region_name=sys.argv[2],
            aws_access_key_id='judge', aws_secret_access_key='judge')
        client = clients[name]
        pages = asked.get('pages')
        if pages:
            answer = [one for page in client.get_paginator(asked['call']).paginate(**asked['with']) for one in page[pages]]
        else:
            answer = getattr(client, asked['call'])(**asked['with'])
        print(json.dumps({'answer': answer}, default=str), flush=True)
    except Exception as error:
        print(json.dumps({'refused': f'{type(error).__name__}: {error}'}), flush=True)
`;

const Reply = z.union([z.object({ answer: z.unknown() }), z.object({ refused: z.string() })]);

export interface Boto {
  /** @throws Error with the words of AWS, or of the model of the call, where it is refused */
  call(service: string, call: string, with_?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** All pages of a list. @param pages the member of a page that is the list */
  list(service: string, call: string, pages: string, with_?: Readonly<Record<string, unknown>>): Promise<unknown>;
  close(): void;
}

export const startBoto = (endpoint: string, region: string): Boto => {
  const python = process.env['RESEGMENT_JUDGE_PYTHON'] ?? 'python3';
  const child = spawn(python, ['-c', SERVE_CALLS, endpoint, region], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting: { readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const caller = waiting.shift();
    const reply = z.parse(Reply, JSON.parse(line));
    if ('refused' in reply) caller?.reject(new Error(reply.refused));
    else caller?.resolve(reply.answer);
  });
  child.on('exit', (code) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`boto3 ended with exit code ${code}`));
  });
  const ask = (asked: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      child.stdin.write(`${JSON.stringify(asked)}\n`);
    });
  return {
    call: (service, call, with_ = {}) =>
      ask({ service, call, with: with_ }).catch((error: Error) => {
        throw new Error(`${service} ${call}: ${error.message}`);
      }),
    list: (service, call, pages, with_ = {}) => ask({ service, call, pages, with: with_ }),
    close: () => child.kill(),
  };
};
