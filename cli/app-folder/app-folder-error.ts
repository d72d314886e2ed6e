import { CommandError } from '../command.ts'

/** The folder is no app, or one of a layout that is not served. One line: what is wrong, and what to do. */
export class AppFolderError extends CommandError {}
