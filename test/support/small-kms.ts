import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { type Served, serve } from './serve.ts';

/** The part of KMS's protocol that the key ring uses: Encrypt and Decrypt under one key, really encrypted, at most 4,096 bytes. */
export const startSmallKms = async (keyArn: string): Promise<Served> => {
  const key = randomBytes(32);
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    const reply = (status: number, document: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(document));
    };
    if (body.KeyId !== keyArn) return reply(400, { __type: 'IncorrectKeyException', message: 'another key' });
    switch (request.headers['x-amz-target']) {
      case 'TrentService.Encrypt': {
        const plain = Buffer.from(body.Plaintext, 'base64');
        if (plain.length > 4_096) return reply(400, { __type: 'ValidationException', message: 'too long' });
        const iv = randomBytes(12);
        const cipher = createCipheriv('aes-256-gcm', key, iv);
        const sealed = Buffer.concat([iv, cipher.update(plain), cipher.final()]);
        return reply(200, {
          CiphertextBlob: Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64'),
          KeyId: keyArn,
        });
      }
      case 'TrentService.Decrypt': {
        const sealed = Buffer.from(body.CiphertextBlob, 'base64');
        try {
          const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
          decipher.setAuthTag(sealed.subarray(-16));
          const plain = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
          return reply(200, { Plaintext: plain.toString('base64'), KeyId: keyArn });
        } catch {
          return reply(400, { __type: 'InvalidCiphertextException', message: 'not ours' });
        }
      }
      default:
        return reply(400, { __type: 'UnknownOperationException' });
    }
  });
  return serve(server);
};
