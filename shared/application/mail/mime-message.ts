import MailComposer from 'nodemailer/lib/mail-composer';
import type { MailLanguage } from '#shared/domain/mail-text.ts';
import { PermanentError, PoisonError } from '#shared/errors.ts';

export interface MimeMessage {
  readonly from: { readonly name: string; readonly address: string };
  readonly to: { readonly name: string; readonly address: string };
  readonly replyTo: string;
  readonly subject: string;
  readonly language: MailLanguage;
  readonly text: string;
  readonly html: string;
  /** Link for List-Unsubscribe and its one-click POST; absent for notices to operators. */
  readonly unsubscribe?: string;
  /** Files beside the text. Names are ASCII without quotes. */
  readonly attachments?: readonly {
    readonly fileName: string;
    readonly contentType: string;
    readonly content: string;
  }[];
}

/**
 * Builds the MIME message: 7-bit, bodies in base64, header values as plain strings. A value that arrives here with line
 * breaks or control characters loses them, so that it cannot start another header.
 */
export const buildMimeMessage = async (message: MimeMessage): Promise<Uint8Array> => {
  const headers: Record<string, string> = {
    'Content-Language': message.language,
    'Auto-Submitted': 'auto-generated',
  };
  if (message.unsubscribe !== undefined) {
    headers['List-Unsubscribe'] = `<${safeLink(message.unsubscribe)}>`;
    headers['List-Unsubscribe-Post'] = 'List-Unsubscribe=One-Click';
  }
  const composer = new MailComposer({
    from: { name: cleanHeader(message.from.name), address: mailAddress(message.from.address) },
    to: { name: cleanHeader(message.to.name), address: mailAddress(message.to.address) },
    replyTo: mailAddress(message.replyTo),
    subject: cleanHeader(message.subject),
    text: message.text,
    html: message.html,
    headers,
    textEncoding: 'base64',
    ...(message.attachments === undefined
      ? {}
      : {
          attachments: message.attachments.map(({ fileName, contentType, content }) => ({
            filename: cleanHeader(fileName),
            contentType,
            content: Buffer.from(content, 'utf8'),
            contentTransferEncoding: 'base64' as const,
          })),
        }),
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().build();
};

/** Longest name or subject in a header, in characters: a name of one long word cannot be folded, and a line has at most 998 bytes. */
const LONGEST_HEADER = 200;

/** Removes line breaks, control characters and direction overrides, trims and shortens; what remains is one line. */
export const cleanHeader = (value: string): string =>
  shortened(
    value
      .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
      .replaceAll(/[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu, '')
      .trim(),
    LONGEST_HEADER,
  );

/** The text, cut to `most` characters with an ellipsis at the end where it is longer. */
export const shortened = (text: string, most: number): string => {
  const letters = [...text];
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join('')}…`;
};

/** @throws PoisonError `address-malformed` for what cannot be one mailbox in a 7-bit header */
export const mailAddress = (address: string): string => {
  if (
    !/^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\p{L}\p{N}.-]{1,255}$/u.test(address) ||
    /\P{ASCII}/u.test(address.split('@')[0] ?? '')
  ) {
    throw new PoisonError(
      'address-malformed',
      'the address must be one mailbox with an ASCII name before the @, without spaces',
    );
  }
  return address;
};

/**
 * @returns the link as a URL parser writes it: no spaces, quotes or angle brackets
 * @throws PermanentError `link-not-https` for other schemes; http is allowed on this machine's own addresses
 */
export const safeLink = (link: string): string => {
  const url = URL.canParse(link) ? new URL(link) : undefined;
  const local = url?.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (url === undefined || !(url.protocol === 'https:' || local)) {
    throw new PermanentError('link-not-https', 'links in mails must start with https://', {
      hint: 'set the public address of the answering pages',
    });
  }
  return url.href.replaceAll("'", '%27');
};
