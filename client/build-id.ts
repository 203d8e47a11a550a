/** What this build is, put in by the bundler. */
declare const __SBX_BUILD__: string | undefined;

/** `source` where no bundler put anything in. */
export const build = typeof __SBX_BUILD__ === 'string' ? __SBX_BUILD__ : 'source';
