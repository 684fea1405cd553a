import PostalMime from 'postal-mime';
import { describe, expect, it } from 'vitest';
import { surveyMailComposer } from '#shared/application/survey-mail.ts';
import { CLOSES, IDENTITY, LINK_KEYS, WAVE_ID } from '#test/survey/memory.ts';

const compose = surveyMailComposer({
  identity: IDENTITY,
  publicBaseUrl: 'https://survey.example.com',
  linkKeys: LINK_KEYS,
  businessTimeZone: 'Asia/Shanghai',
});

describe('a survey mail', () => {
  it.each(['en', 'zh-CN'] as const)(
    'says under the address what the company has to say by law: %s',
    async (language) => {
      const { raw } = await compose({
        waveId: WAVE_ID,
        invitationId: 'AAAAAAAAAAAAAAAAAAAAAA',
        kind: 'invitation',
        language,
        question: 'nps',
        to: 'someone@example.com',
        manager: null,
        branch: null,
        closesAt: CLOSES,
      });
      const { text = '', html = '' } = await PostalMime.parse(raw);
      const [address, notice] = [IDENTITY.postalAddress[language], IDENTITY.legalNotice[language]];

      expect(text).toContain(`${address}\n${notice}`);
      expect(html).toContain(`${address}<br>${notice}`);
    },
  );
});
