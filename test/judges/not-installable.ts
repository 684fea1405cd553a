/** A judge who cannot be asked on this machine, with what is missing. */
export class NotInstallable extends Error {}
