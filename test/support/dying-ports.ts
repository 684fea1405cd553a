export class Crash extends Error {}

/**
 * The same ports, dead from their nth call on, before or after it took effect; calls to all of the named ports are counted
 * together. The others live on.
 */
export const dyingAt = <Ports extends object>(
  ports: Ports,
  names: readonly (keyof Ports)[],
  call: number,
  moment: 'before' | 'after',
): { readonly ports: Ports; reached(): boolean } => {
  let calls = 0;
  const wrap = (port: unknown): unknown =>
    new Proxy(Object(port), {
      get: (target, name, receiver) => {
        const member: unknown = Reflect.get(target, name, receiver);
        if (typeof member !== 'function') return member;
        return async (...given: unknown[]) => {
          calls += 1;
          const mine = calls;
          if (mine > call || (mine === call && moment === 'before')) throw new Crash();
          const result: unknown = await member.apply(target, given);
          if (mine === call) throw new Crash();
          return result;
        };
      },
    });
  return {
    ports: { ...ports, ...Object.fromEntries(names.map((name) => [name, wrap(ports[name])])) },
    reached: () => calls >= call,
  };
};

/** What sending writes to and reads from. */
export const SURVEY_PORTS = ['waves', 'waveFiles', 'tallies', 'invitations', 'contacts', 'answers', 'mail'] as const;
