import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { type Served, serve } from './serve.ts';

/** The part of S3's protocol that the stores use, in memory: put (with If-None-Match), get (with Range and If-Match), head, list of 2 keys a page, delete. */
export const startSmallS3 = async (): Promise<Served> => {
  const objects = new Map<string, Buffer>();
  const escapeXml = (text: string): string => text.replace(/[<>&]/g, (character) => `&#${character.charCodeAt(0)};`);
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://s3');
    const [, , ...rest] = url.pathname.split('/');
    const key = decodeURIComponent(rest.join('/'));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const fail = (status: number, code: string): void => {
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
    };
    if (request.method === 'PUT') {
      if (request.headers['if-none-match'] === '*' && objects.has(key)) return fail(412, 'PreconditionFailed');
      objects.set(key, unchunked(Buffer.concat(chunks), request.headers['content-encoding']));
      response.writeHead(200, { etag: '"1"' }).end();
      return;
    }
    if (request.method === 'DELETE') {
      objects.delete(key);
      response.writeHead(204).end();
      return;
    }
    if (url.searchParams.get('list-type') === '2') {
      const prefix = url.searchParams.get('prefix') ?? '';
      const after = url.searchParams.get('continuation-token') ?? '';
      const keys = [...objects.keys()].filter((one) => one.startsWith(prefix) && one > after).sort();
      const page = keys.slice(0, 2);
      const more = keys.length > page.length;
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end(
        `<?xml version="1.0"?><ListBucketResult>${page.map((one) => `<Contents><Key>${escapeXml(one)}</Key></Contents>`).join('')}<IsTruncated>${more}</IsTruncated>${more ? `<NextContinuationToken>${escapeXml(page.at(-1) ?? '')}</NextContinuationToken>` : ''}</ListBucketResult>`,
      );
      return;
    }
    const bytes = objects.get(key);
    if (bytes === undefined) return fail(404, 'NoSuchKey');
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
    const wanted = request.headers['if-match'];
    if (wanted !== undefined && wanted !== etag) return fail(412, 'PreconditionFailed');
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const part = range === null ? bytes : bytes.subarray(Number(range[1]), Number(range[2]) + 1);
    response.writeHead(range === null ? 200 : 206, { 'content-length': part.length, etag });
    response.end(request.method === 'HEAD' ? undefined : part);
  });
  return serve(server);
};

/** Undoes the framing `<hex length>\r\n<bytes>\r\n…` that the SDK uses for a body with a trailing checksum. */
const unchunked = (body: Buffer, encoding: string | undefined): Buffer => {
  if (!(encoding ?? '').includes('aws-chunked')) return body;
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = body.indexOf('\r\n', at);
    const length = Number.parseInt(body.subarray(at, end).toString(), 16);
    if (!(length > 0)) return Buffer.concat(parts);
    parts.push(body.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
};
