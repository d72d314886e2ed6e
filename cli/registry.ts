import type { Command } from './command.ts'

/** Every command, loaded only when called: `--help` and a typo must not cost the start of the driver. */
export const commandLoaders: Readonly<Record<string, () => Promise<{ command: Command }>>> = {}
