/**
 * What is known of a mail to the staff. `claimed`: an attempt has begun; where nothing follows, a crash came between, and what
 * became of the mail is not known. `unknown`: the mail service did not say. Neither is sent again. `notAccepted`: proven, and
 * may be tried again. `refused`: for good. `bounced`: it came back, or the mail service keeps everything to the address back.
 * `complained`: the reader called it spam, after which the mail service keeps back what follows.
 */
export const STAFF_MAIL_STATES = [
  'claimed',
  'accepted',
  'unknown',
  'notAccepted',
  'refused',
  'bounced',
  'complained',
] as const;
export type StaffMailState = (typeof STAFF_MAIL_STATES)[number];

export type ReturnedState = Extract<StaffMailState, 'bounced' | 'complained'>;

/** Whether the address takes no mail any more, as far as the mail service told. */
export const isReturned = (state: StaffMailState): state is ReturnedState =>
  state === 'bounced' || state === 'complained';

/** The state once the mail service says that the mail came back. A complaint says more than a bounce, in whichever order they come. */
export const whenReturned = (known: StaffMailState, returned: ReturnedState): ReturnedState =>
  known === 'complained' ? known : returned;
